"""Every reason for which the kernel refuses. An agent reads the name and a detail.

An action names the first fault that its handler meets: what was said, then what there is, then who may, then whether
there is enough. Read and edit look into a content only once its contract has let them, so some of what was said is
checked after that.
"""

MALFORMED = "malformed"
CONFIGURATION_CHANGED = "configuration_changed"
UNREACHABLE_MODEL = "model_unreachable"
UNPARSABLE = "model_unparsable"
BUDGET_EMPTY = "budget_empty"
ID_INVALID = "id_invalid"
NOT_FOUND = "not_found"
DELETED = "deleted"
NAME_TAKEN = "name_taken"
UNKNOWN_PRINCIPAL = "unknown_principal"
UNKNOWN_ASSET = "unknown_asset"
UNKNOWN_CONTRACT = "unknown_contract"
UNKNOWN_STRATEGY = "unknown_strategy"
UNKNOWN_QUERY = "unknown_query"
UNKNOWN_OPERATOR = "unknown_operator"
ARGUMENT_INVALID = "argument_invalid"
NOT_PERMITTED = "not_permitted"
IS_PRINCIPAL = "is_principal"
SELF_DEALING = "self_dealing"
TOO_LARGE = "too_large"
TOO_MANY = "too_many"
NO_MATCH = "no_match"
AMBIGUOUS_MATCH = "ambiguous_match"
NOT_TEXT = "not_text"
AMOUNT_INVALID = "amount_invalid"
NOT_ACCEPTED = "not_accepted"
INSUFFICIENT = "insufficient"
QUOTA_IN_USE = "quota_in_use"
DISK_QUOTA = "disk_quota"

NOT_EXECUTABLE = "not_executable"
TOO_DEEP = "too_deep"
CPU_EXHAUSTED = "cpu_exhausted"
PRICE_ABOVE_LIMIT = "price_above_limit"
CONTRACT_FAILED = "contract_failed"
STATE_TOO_LARGE = "state_too_large"
NOT_DELEGATED = "not_delegated"
ALLOWANCE_SPENT = "allowance_spent"
CODE_SYNTAX = "code_syntax"
CODE_NO_METHOD = "code_no_method"
CODE_RAISED = "code_raised"
CODE_STEPS = "code_steps"
CODE_TIME = "code_time"
CODE_MEMORY = "code_memory"
CODE_RECURSION = "code_recursion"
CODE_OUTPUT = "code_output"
CODE_RESULT = "code_result"
CODE_CALLS = "code_calls"
CODE_CRASHED = "code_crashed"
UNKNOWN_LISTING = "unknown_listing"
LISTING_CLOSED = "listing_closed"
LISTING_STALE = "listing_stale"
NOT_THE_BUYER = "not_the_buyer"
ALREADY_LISTED = "already_listed"
NOT_RENTABLE = "not_rentable"
ALREADY_BID = "already_bid"
NO_MINT = "no_mint"

MEANING: dict[str, str] = {
    MALFORMED: "the answer is not one of the actions, or a field has the wrong type",
    CONFIGURATION_CHANGED: "the agent's configuration changed while it decided; the decision is void",
    UNREACHABLE_MODEL: "the model did not answer; the agent waits and tries again",
    UNPARSABLE: "the model's answer was no action, nor was its repair",
    BUDGET_EMPTY: "the LLM budget cannot pay for the worst case of one more thought",
    ID_INVALID: "a name is 1-64 of a-z 0-9 _ . - and starts with a letter or digit; some are reserved",
    NOT_FOUND: "nothing has that name",
    DELETED: "the artifact was deleted; its name stays taken",
    NAME_TAKEN: "the name belongs to something else",
    UNKNOWN_PRINCIPAL: "nobody with standing has that name",
    UNKNOWN_ASSET: "there is no such asset to transfer",
    UNKNOWN_CONTRACT: "there is no such contract",
    UNKNOWN_STRATEGY: "no policy has that name",
    UNKNOWN_QUERY: "there is no query of that name",
    UNKNOWN_OPERATOR: "the filter or predicate uses an operator or field that does not exist",
    ARGUMENT_INVALID: "an argument is out of range or of the wrong form",
    NOT_PERMITTED: "the artifact's contract does not allow this to the caller",
    IS_PRINCIPAL: "an agent cannot be deleted or replaced by a plain artifact",
    SELF_DEALING: "giving to oneself moves nothing",
    TOO_LARGE: "a content, message, memo or metadata is over its limit",
    TOO_MANY: "the caller already has as many subscriptions as the world allows, or names too many things",
    NO_MATCH: "the text to replace does not occur",
    AMBIGUOUS_MATCH: "the text to replace occurs more than once",
    NOT_TEXT: "a bytes artifact cannot be edited by text",
    AMOUNT_INVALID: "an amount is a whole number from 1 to 2^63-1",
    NOT_ACCEPTED: "the receiver has not agreed to take artifacts from the caller",
    INSUFFICIENT: "the caller does not have that much, holds set aside",
    QUOTA_IN_USE: "the caller's artifacts occupy the quota it wants to give away",
    DISK_QUOTA: "there is not enough free disk quota",
    NOT_EXECUTABLE: "the artifact has no interface with methods, so there is nothing to invoke",
    TOO_DEEP: "invocations and contracts call one another at most so many levels deep",
    CPU_EXHAUSTED: "who bears the cost has too little CPU in its bucket for this code",
    PRICE_ABOVE_LIMIT: "the contract asks for more than the caller said it would pay",
    CONTRACT_FAILED: "the artifact's contract is code and gave no valid decision",
    STATE_TOO_LARGE: "what the contract wants to remember is over its limit",
    NOT_DELEGATED: "the contract names a payer that has not agreed to be charged so much",
    ALLOWANCE_SPENT: "the code may not move so much of the caller's assets",
    CODE_SYNTAX: "the code is not Python that the sandbox runs",
    CODE_NO_METHOD: "the code defines no function of that name",
    CODE_RAISED: "the code raised an exception; nothing of what it did took place",
    CODE_STEPS: "the code took more steps than it may",
    CODE_TIME: "the code ran longer than the guard allows",
    CODE_MEMORY: "the code wanted more memory than it may have",
    CODE_RECURSION: "the code called itself too deep",
    CODE_OUTPUT: "the code printed more than it may",
    CODE_RESULT: "the code returned what is no JSON, or too much of it",
    CODE_CALLS: "the code called the kernel more often than it may",
    CODE_CRASHED: "the sandbox's worker died under the code",
    UNKNOWN_LISTING: "there never was such a listing",
    LISTING_CLOSED: "the listing was sold or cancelled",
    LISTING_STALE: "the artifact, or what it owns, is no longer what was listed, or its contract keeps it back",
    NOT_THE_BUYER: "the listing is for somebody else",
    ALREADY_LISTED: "the artifact is listed already",
    NOT_RENTABLE: "rights are rented; an artifact is only sold",
    ALREADY_BID: "the artifact is submitted already and awaits the resolution",
    NO_MINT: "this world has no mint",
}
