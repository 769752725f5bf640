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
}
