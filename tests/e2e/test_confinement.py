# SPDX-License-Identifier: Apache-2.0
"""What a confined runner cannot reach, and what reaches it all the same."""

import os
import signal

import pytest


@pytest.fixture
def items(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "INSERT INTO items SELECT i, 'n' || i"
              " FROM generate_series(1, 100) i")
    return world


def audited(pipeline, action):
    return [record for record in pipeline.audit()
            if record["action"] == action]


def test_a_certificate_that_was_renewed_by_renaming_is_read(items, tmp_path):
    """In a folder that the runner cannot read: the keeper opens the file."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    certificate = folder / "ca.pem"
    certificate.write_bytes(items.postgres.authority.certificate.read_bytes())
    pipeline = items.pipeline()
    pipeline.section("source", ssl_root_cert=certificate)
    run = pipeline.start()
    run.wait_streaming()
    renewed = folder / "new.pem"
    renewed.write_bytes(certificate.read_bytes())
    os.rename(renewed, certificate)
    run.process.send_signal(signal.SIGHUP)
    run.wait_until(lambda: len(audited(pipeline, "tls.reloaded")) == 2,
                   "both sides have read their certificates")
    assert audited(pipeline, "tls.reload_rejected") == []
    items.postgres.terminate(items.postgres.walsender(pipeline.slot))
    items.sql("INSERT INTO items VALUES (1000, 'after')")
    items.wait_same(run, "items")
    certificate.unlink()
    run.process.send_signal(signal.SIGHUP)
    run.wait_text(f"open {certificate}: No such file")
    assert run.terminate() == 0
