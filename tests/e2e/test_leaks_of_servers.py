# SPDX-License-Identifier: Apache-2.0
"""Servers that say back what they were told, or quote rows: none of it is
passed on."""

import pytest

from harness import rogue_http
from harness.canaries import KEY, NUMBER, ROW, found
from harness.waiting import wait_for


def debug(pipeline):
    return pipeline.section("pipeline", log_level="debug")


@pytest.fixture
def items(world):
    world.sql("CREATE TABLE items (id text PRIMARY KEY, note text, n bigint)")
    world.sql("INSERT INTO items VALUES (%s, %s, %s)", (KEY, ROW, NUMBER))
    return world


def tell(pipeline):
    """Every command that shows what was said."""
    pipeline("status", pipeline.ini)
    pipeline.status()
    pipeline("audit", "show", pipeline.audit_log)
    pipeline("audit", "show", "--json", pipeline.audit_log)


# What a server that has read rows may say of them.
OF_ROWS = ["the reason", "a page", "an error", "a refusal", "a failure",
           "a status", "another host's path"]


@pytest.mark.parametrize("stage, quote", [
    *(("before the body", quote) for quote in rogue_http.QUOTES),
    *(("after the body", quote) for quote in OF_ROWS),
    *(("asked for the label", quote) for quote in [*OF_ROWS, "a state"])])
def test_starrocks_by_http(items, stage, quote):
    with rogue_http.echo(stage, quote) as server:
        pipeline = debug(items.pipeline())
        pipeline.section("sink", load_url=f"http://127.0.0.1:{server.port}",
                         load_plaintext="allow", compression="none")
        run = pipeline.start()
        wait_for(lambda: not run.running or pipeline.status().get("reason")
                 and server.quoted, 60, "it was said", because=run.describe)
        tell(pipeline)
        pipeline.check()
        run.terminate()
        tell(pipeline)
    assert server.quoted
    # By halves, too: messages are cut.
    password = items.starrocks.password
    assert not found(items, pipeline, password[:16], KEY), run.text
