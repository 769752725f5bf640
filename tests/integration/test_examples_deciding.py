"""Contracts by which several decide together: signatures, and rules that their majority amends."""

from hashlib import sha256

from ecology import examples
from ecology.kernel import refusals as why
from ecology.kernel.actions import Configure, Delete, Edit, Invoke, Query, Read, Transfer, Write
from tests.support.gallery import ANN, BEN, CAT, DAN, Gallery, gallery

SECOND_NS = 1_000_000_000


# -- multi_signature


def charter(stage: Gallery) -> None:
    """A text that Ann, Ben and Cat guard, two of whom must agree."""
    stage.publish(DAN, "multi_signature", "multi_signature")
    stage.do(DAN, Write("charter", "old", contract="multi_signature"))


def approve(target: str, revision: int, action: str, detail: str = "") -> Invoke:
    args: dict[str, object] = {"target": target, "revision": revision, "action": action, "detail": detail}
    return Invoke("multi_signature", "approve", args)


def of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_change_needs_two_of_three() -> None:
    with gallery() as stage:
        charter(stage)
        assert stage.refused(ANN, Write("charter", "new")) == why.NOT_PERMITTED
        stage.do(ANN, approve("charter", 1, "write", of("new")))
        stage.do(ANN, approve("charter", 1, "write", of("new")))
        assert stage.refused(ANN, Write("charter", "new")) == why.NOT_PERMITTED
        stage.do(BEN, approve("charter", 1, "write", of("new")))
        stage.do(CAT, Write("charter", "new"))
        assert stage.do(DAN, Read("charter"))["content"] == "new"


def test_an_approval_is_for_one_text_one_revision_and_one_deed() -> None:
    with gallery() as stage:
        charter(stage)
        for name in (ANN, BEN):
            stage.do(name, approve("charter", 1, "write", of("new")))
        assert stage.refused(ANN, Write("charter", "newer")) == why.NOT_PERMITTED
        assert stage.refused(ANN, Delete("charter")) == why.NOT_PERMITTED
        assert stage.refused(ANN, Edit("charter", "old", "new")) == why.NOT_PERMITTED
        stage.do(ANN, Write("charter", "new"))
        assert stage.refused(ANN, Write("charter", "new")) == why.NOT_PERMITTED


def test_an_approved_text_brings_no_other_contract_with_it() -> None:
    with gallery() as stage:
        charter(stage)
        for name in (ANN, BEN):
            stage.do(name, approve("charter", 1, "write", of("new")))
        for changed in (
            Write("charter", "new", contract="public"),
            Write("charter", "new", interface={"methods": {"run": {}}}),
            Write("charter", "new", metadata={"a": "b"}),
            Write("charter", "new", type="other"),
        ):
            assert stage.refused(ANN, changed) == why.NOT_PERMITTED


def test_only_signers_approve_and_only_signers_act() -> None:
    with gallery() as stage:
        charter(stage)
        assert stage.refused(DAN, approve("charter", 1, "delete")) == why.NOT_PERMITTED
        for name in (ANN, BEN):
            stage.do(name, approve("charter", 1, "delete"))
        assert stage.refused(DAN, Delete("charter")) == why.NOT_PERMITTED
        stage.do(BEN, Delete("charter"))


def test_an_approval_can_be_withdrawn() -> None:
    with gallery() as stage:
        charter(stage)
        stage.do(ANN, approve("charter", 1, "delete"))
        stage.do(BEN, approve("charter", 1, "delete"))
        stage.do(ANN, approve("charter", 2, "delete"))
        assert stage.refused(BEN, Delete("charter")) == why.NOT_PERMITTED


def test_a_transfer_is_approved_with_its_receiver() -> None:
    with gallery() as stage:
        charter(stage)
        for name in (CAT, DAN):
            stage.do(name, Configure(accepts_from=["*"]))
        for name in (ANN, BEN):
            stage.do(name, approve("charter", 1, "transfer", CAT))
        assert stage.refused(ANN, Transfer(to=DAN, artifact="charter")) == why.NOT_PERMITTED
        stage.do(ANN, Transfer(to=CAT, artifact="charter"))


def test_nobody_approves_in_anothers_name() -> None:
    """Code that a signer runs is the signer; code with a spoofed caller is nobody."""
    with gallery() as stage:
        charter(stage)
        spoof = "caller = 'agent-0001'\ndef run():\n    return invoke('multi_signature', 'approve', ARGS)\n"
        args = repr(approve("charter", 1, "delete").args)
        stage.code(DAN, "spoof", spoof.replace("ARGS", args), "run")
        assert stage.refused(DAN, Invoke("spoof")) == why.CODE_RAISED
        stage.do(BEN, Invoke("spoof"))
        shown = stage.do(DAN, Invoke("multi_signature", "approvals"))["result"]
        assert isinstance(shown, dict)
        assert list(shown) == [BEN]


def test_the_signers_contract_never_changes() -> None:
    with gallery() as stage:
        charter(stage)
        for name in (ANN, DAN):
            assert stage.refused(name, Delete("multi_signature")) == why.NOT_PERMITTED
            assert (
                stage.refused(name, Edit("multi_signature", "NEEDED = 2", "NEEDED = 1")) == why.NOT_PERMITTED
            )


# -- constitution

AMENDED = examples.source("constitution").replace("thoughts are free", "thoughts are too")


def amend(text: str = AMENDED, contract: str | None = None) -> Write:
    return Write("constitution", text, type="program", contract=contract)


def vote(text: str) -> Invoke:
    return Invoke("constitution", "vote", {"content_sha256": of(text)})


def test_a_majority_amends_the_constitution() -> None:
    with gallery() as stage:
        stage.publish(DAN, "constitution", "constitution")
        stage.do(ANN, Write("draft", AMENDED))
        digest = stage.do(BEN, Invoke("constitution", "digest", {"draft": "draft"}))["result"]
        assert digest == of(AMENDED)
        stage.do(ANN, vote(AMENDED))
        stage.do(ANN, vote(AMENDED))
        assert stage.refused(ANN, amend()) == why.NOT_PERMITTED
        stage.do(BEN, vote(AMENDED))
        stage.do(CAT, amend())
        articles = stage.do(DAN, Invoke("constitution", "articles"))["result"]
        assert isinstance(articles, list)
        assert articles[0] == "Tools are priced, thoughts are too."


def test_strangers_neither_vote_nor_amend_and_the_founder_is_a_stranger() -> None:
    with gallery() as stage:
        stage.publish(DAN, "constitution", "constitution")
        assert stage.refused(DAN, vote(AMENDED)) == why.NOT_PERMITTED
        for name in (ANN, BEN):
            stage.do(name, vote(AMENDED))
        assert stage.refused(DAN, amend()) == why.NOT_PERMITTED
        assert stage.refused(ANN, Delete("constitution")) == why.NOT_PERMITTED


def test_an_amendment_is_what_was_voted_for_and_nothing_else() -> None:
    with gallery() as stage:
        stage.publish(DAN, "constitution", "constitution")
        for name in (ANN, BEN):
            stage.do(name, vote(AMENDED))
        assert stage.refused(ANN, amend(AMENDED + "#")) == why.NOT_PERMITTED
        assert stage.refused(ANN, amend(contract="public")) == why.NOT_PERMITTED
        assert stage.refused(ANN, Edit("constitution", "priced", "free")) == why.NOT_PERMITTED
        stage.do(ANN, amend())


def test_the_constitution_cools_down_and_votes_are_counted_afresh() -> None:
    with gallery() as stage:
        stage.publish(DAN, "constitution", "constitution")
        for name in (ANN, BEN):
            stage.do(name, vote(AMENDED))
        stage.do(ANN, amend())
        assert stage.do(DAN, Query("artifact", {"id": "constitution"}))["contract_state"] == {
            "votes": {},
            "amended_ms": 0,
        }
        former = examples.source("constitution")
        for name in (ANN, BEN):
            stage.do(name, vote(former))
        assert stage.refused(ANN, amend(former)) == why.NOT_PERMITTED
        stage.pass_time(60 * SECOND_NS)
        stage.do(ANN, amend(former))
