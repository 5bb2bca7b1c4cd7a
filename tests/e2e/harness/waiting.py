# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition with a deadline, so that no test sleeps for a guessed time."""

import time


class Expired(AssertionError):
    """The condition did not come true in time."""


def wait_for(condition, timeout, what, every=0.05, because=None):
    """Calls condition until it returns something true, and returns that.

    what names the condition in the failure; because, when given, is called
    for a description of how things stand at the end.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            detail = f"\n{because()}" if because else ""
            raise Expired(f"not within {timeout} s: {what}{detail}")
        time.sleep(every)
