# SPDX-License-Identifier: Apache-2.0
"""Five hundred tables in one pipeline."""

TABLES = 500


def test_five_hundred_tables(world):
    names = [f"t{number:03}" for number in range(TABLES)]
    world.sql(";".join(f"CREATE TABLE {name} (id int PRIMARY KEY, v text);"
                       f"INSERT INTO {name} VALUES (1, '{name}'), (2, 'x')"
                       for name in names))
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming(timeout=120)
    # The server commits before it flushes, unless it is asked to.
    world.sql("SET synchronous_commit = on;"
              + ";".join(f"UPDATE {name} SET v = 'new' WHERE id = 1;"
                         f"DELETE FROM {name} WHERE id = 2" for name in names))
    end = world.postgres.position()
    run.wait_until(lambda: world.postgres.confirmed(pipeline.slot) >= end,
                   "all is confirmed", timeout=60)
    assert run.terminate() == 0
    run = pipeline.start()
    run.wait_streaming(timeout=60)
    for name in names[::50]:
        world.assert_same(name)
    assert run.terminate() == 0
