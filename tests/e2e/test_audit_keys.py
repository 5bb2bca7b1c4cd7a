# SPDX-License-Identifier: Apache-2.0
"""A verification key and a change of the encryption key, on a pipeline."""

import re
import signal

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_verification_key_outlives_the_encryption_key(world):
    world.sql(ITEMS)
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    done = pipeline("audit", "setup-keys", pipeline.ini)
    assert done.code == 1 and done.stdout == "", done
    assert "stop the pipeline" in done.stderr, done
    assert run.terminate() == 0, run.describe()
    done = pipeline("audit", "setup-keys", pipeline.ini)
    assert re.fullmatch("[0-9a-f]{64}\n", done.stdout), done.stderr
    verification = private(world.folder / "verification", done.stdout)

    # The encryption key changes while the pipeline runs.
    former, newest = pipeline.key, world.program.new_key()
    primary = private(world.folder / "primary", former)
    old = private(world.folder / "old", former)
    files = {"CONFIG_ENCRYPTION_KEY": None,
             "CONFIG_ENCRYPTION_KEY_FILE": str(primary)}
    with_old = {**files, "CONFIG_ENCRYPTION_KEYS_OLD_FILE": str(old)}
    run = pipeline.start(**with_old)
    run.wait_streaming()
    primary.write_text(newest)
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("were read anew")
    done = pipeline("reseal", pipeline.ini, **with_old)
    assert done.code == 0, done
    world.sql("INSERT INTO items VALUES (100, 'under the new key')")
    world.wait_same(run, "items")
    assert run.terminate() == 0, run.describe()

    # The newest key alone goes on.
    done = pipeline("run", "--until-caught-up", pipeline.ini, **files)
    assert done.code == 0, done
    kept = private(world.folder / "kept", pipeline(
        "audit", "checkpoint", pipeline.audit_log, **files).stdout)
    signer = pipeline("audit", "public-key", **files).stdout.strip()

    # No encryption key verifies what was before, the verification key does.
    done = pipeline("audit", "verify", pipeline.audit_log, **with_old)
    assert done.code == 3 and "forgotten" in done.stdout, done
    done = pipeline("audit", "verify", "--verification-key-file", verification,
                    "--checkpoint", kept, "--public-key", signer,
                    pipeline.audit_log)
    assert done.code == 0 and "1 checkpoints" in done.stdout, done
    secret = verification.read_text().strip()
    for path in pipeline.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
