"""`ecology observe` on a real PostgreSQL: what it archives, measures and says, and what no death of it can spoil."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ecology.core.seeds import Draw
from ecology.events.registry import decode
from ecology.observe.projections import summarise
from ecology.store.reader import EventReader
from tests.support.observed import Author, Observing, Summary, after_restart, audited, whole
from tests.support.postgres import PostgresServer, database


class Scene:
    """A database, an author for its world, and observers that do not outlive the test."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.archive = folder / "archive"
        self.observers: list[Observing] = []

    def observer(
        self, name: str = "observer", archive: str = "archive", largest_file_kib: str = "unlimited"
    ) -> Observing:
        self.observers.append(Observing(self.url, self.folder, name, archive, largest_file_kib))
        return self.observers[-1]

    @asynccontextmanager
    async def author(self) -> AsyncIterator[Author]:
        author = await Author.begin(self.url)
        try:
            yield author
        finally:
            await author.store.close()


def run(folder: Path, story: Callable[[Scene], Awaitable[None]], url: str = "") -> None:
    async def life() -> None:
        scene = Scene(url or await database(folder), folder)
        try:
            await story(scene)
        finally:
            for observer in scene.observers:
                if observer.process.poll() is None:
                    observer.kill()

    asyncio.run(life())


def _lag(summary: Summary) -> int:
    return int(summary["archive"]["lag_events"])


def test_a_world_is_archived_and_measured_to_its_end(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            observer = scene.observer()
            await author.work(60)
            last = (
                author.stage.world.log.next_sequence - 1
            )  # it may still show what it saw before the last commits
            summary = await observer.until(
                lambda it: (
                    it["archive"]["confirmed_sequence"] == last == it["world"]["sequence"] and it["measures"]
                )
            )
            assert summary["world"]["head"] == 61 and not summary["world"]["ended"]
            await observer.is_ready()
            await author.work(10)
            await author.end()
            await observer.is_in_state("complete")
            last = author.stage.world.log.next_sequence - 1
            summary = await observer.until(lambda it: it["measured_sequence"] == last and not _lag(it))
            await whole(author.store, scene.archive)
            reader = EventReader(scene.archive / "ecology.sqlite")
            expected = summarise(map(decode, reader.lines()))
            reader.close()
            assert summary["measures"]["actions"] == expected.actions > 200
            assert summary["measures"]["measures"]["supply"] == expected.measures.supply == 3_000
            assert summary["agents"] == {"active": 3, "asleep": 0, "blocked": 0, "frozen": 0}
            assert summary["world"]["ended"] and summary["archive"]["lag_events"] == 0
            await observer.is_ready()
            said = await observer.end()
            assert len(said.splitlines()) == 3, said

    run(tmp_path, story)


def test_figures_for_prometheus(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            await author.work(20)
            observer = scene.observer()
            summary = await observer.until(
                lambda it: it["measured_sequence"] and it["archive"]["confirmed_sequence"] and not _lag(it)
            )
            text = (await observer.get("/metrics")).text
            found = {
                (sample.name, *sample.labels.values()): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            actions = summary["measures"]["measures"]["actions_by_type"]
            for action, count in actions.items():
                assert found["ecology_actions_total", action, "refused"] == count["refused"]
            for reason, count in summary["measures"]["refusals"].items():
                assert found["ecology_refusals_total", reason] == count
            assert found["ecology_world_agents", "active"] == 3
            assert found["ecology_world_commits_total",] == 21
            assert found["ecology_archivist_active",] == found["ecology_database_up",] == 1
            assert found["ecology_supply_scrip",] == 3_000
            assert found["ecology_world_members",] == 0
            assert found["ecology_archivist_lag_events",] == 0

    run(tmp_path, story)


def test_a_world_that_is_not_founded_is_waited_for(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        observer = scene.observer()
        summary = await observer.until(lambda it: it["world"] is not None)
        assert (summary["founded"], summary["measures"]) == (False, None)
        answer = await observer.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["missing"] == {"world": "not founded yet: start a node"}
        assert (await observer.get("/health")).status_code == 200
        assert (await observer.get("/metrics")).status_code == 200
        async with scene.author() as author:
            await author.work(5)
            last = author.stage.world.log.next_sequence - 1
            await observer.until(lambda it: it["archive"]["confirmed_sequence"] >= last)
            await whole(author.store, scene.archive)
        assert "waiting for a node to found it" in await observer.end()

    run(tmp_path, story)


def test_killed_whenever_it_strikes_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        draw = Draw(4, 20)
        async with scene.author() as author:
            working = asyncio.create_task(author.work(1_000_000, 0.01))
            for number in range(4):
                observer = scene.observer()
                if number % 2:
                    await observer.is_in_state("archiving")
                await asyncio.sleep(draw.below(1_500) / 1_000)
                observer.kill()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await author.again(scene.url)
            await author.end()
            observer = scene.observer()
            await observer.is_in_state("complete")
            await whole(author.store, scene.archive)
            await observer.end()

    run(tmp_path, story)


def test_another_stands_by_and_takes_over(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            first = scene.observer("first")
            await first.is_in_state("archiving")
            second = scene.observer("second")
            await second.is_in_state("standing by")
            await author.work(20)
            await second.is_ready()
            first.kill()
            await author.work(20)
            last = author.stage.world.log.next_sequence - 1
            await second.until(lambda it: it["archive"]["confirmed_sequence"] == last)
            await whole(author.store, scene.archive)
            third = scene.observer("third")
            await third.is_in_state("standing by")
            await second.end()  # gives the lease back, so that nobody waits for it to run out
            await third.is_in_state("archiving")
            await third.end()

    run(tmp_path, story)


def test_paused_past_its_lease_it_writes_no_more(tmp_path: Path) -> None:
    """On one disk the paused one has the archive's lock, and the other waits; neither spoils anything."""

    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            first = scene.observer("first")
            await first.is_in_state("archiving")
            await author.work(5)
            first.pause()
            second = scene.observer("second")
            await author.work(20)
            await second.until(lambda it: it["archive"]["lease_generation"] > 0)
            assert "waits for" in await second.misses("archivist")
            first.resume()
            await first.is_in_state("standing by")
            await second.is_in_state("archiving")
            await author.work(5)
            last = author.stage.world.log.next_sequence - 1
            await second.until(lambda it: it["archive"]["confirmed_sequence"] == last)
            await whole(author.store, scene.archive)

    run(tmp_path, story)


def test_one_with_another_archive_cannot_go_on_and_says_so(tmp_path: Path) -> None:
    """Its archive lacks what the database has given up; the right one takes the lease back and nothing is lost."""

    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            await author.work(20)
            first = scene.observer("first")
            last = author.stage.world.log.next_sequence - 1
            await first.until(lambda it: it["archive"]["confirmed_sequence"] == last)
            await first.end()
            other = scene.observer("other", "elsewhere")
            summary = await other.is_in_state("failing")
            assert "the archive lacks event" in summary["archive"]["fault"]
            assert "the archive lacks event" in await other.misses("archivist")
            right = scene.observer("right")
            await author.work(5)
            last = author.stage.world.log.next_sequence - 1
            await right.until(lambda it: it["archive"]["confirmed_sequence"] == last)
            await whole(author.store, scene.archive)
            await other.end()

    run(tmp_path, story)


def test_a_disk_that_takes_no_more_is_told_and_the_contents_wait(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with scene.author() as author:
            await author.work(250)
            small = scene.observer("small", largest_file_kib="64")
            while "cannot be used" not in await small.misses("archivist"):
                await asyncio.sleep(
                    0.05
                )  # between two attempts it waits for the lock of what the first one left
            assert (await small.get("/health")).status_code == 200
            await small.end()
            await audited(author.store, scene.archive)
            roomy = scene.observer("roomy")
            last = author.stage.world.log.next_sequence - 1
            await roomy.until(lambda it: it["archive"]["confirmed_sequence"] == last)
            await whole(author.store, scene.archive)

    run(tmp_path, story)


def test_a_database_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with scene.author() as author, AsyncExitStack() as stack:
            observer = scene.observer()
            await author.work(30)
            await observer.is_in_state("archiving")
            server.crash()
            stack.callback(server.remove)
            assert "127.0.0.1" in await observer.misses("database")
            assert (await observer.get("/health")).status_code == 200
            server.start()
            await after_restart(author, scene.url)
            await author.work(30)
            last = author.stage.world.log.next_sequence - 1
            await observer.until(
                lambda it: it["archive"]["confirmed_sequence"] == it["measured_sequence"] == last
            )
            await audited(author.store, scene.archive)
            await (
                observer.is_ready()
            )  # it may have been asked for its world before it looked for the database again
            await observer.end()

    server = PostgresServer().start()
    run(tmp_path, story, server.url())
