"""Fakes and builders for tests, ours and those of whoever writes plug-ins; nothing of a real run imports them.

`model_server` and `scripted_model` stand in for a model and pass the conformance suite of the real client;
`docker_stand_in` stands in for a Docker engine and passes the one of the adapter to it;
`worlds` builds a small world without a database, `fingerprint` compares two, `histories` writes synthetic event logs.
"""
