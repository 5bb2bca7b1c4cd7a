# SPDX-License-Identifier: Apache-2.0
"""A stand-in for StarRocks: strict, small, for tests only."""
