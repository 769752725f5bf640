"""Talking to a language model: text and a JSON schema in, text and token counts out. Knows of no world.

Reading order: `model` (the protocol and its three values), `errors` (how a call can fail, and who pays),
`estimate` (tokens before a call), `key` (where the secret comes from), `dialect` (what a request looks like,
and what to try when a server does not take it), `answer` (what came back), `http_client` and
`client_pool` (connections), `vendor_errors`, `openai_chat` (the adapter that ties all this together).

Only the last three name the vendor's library. Import them only where a model is really wanted: it takes half a
second of CPU to load.
"""
