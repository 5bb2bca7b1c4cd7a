# SPDX-License-Identifier: Apache-2.0
"""What an end-to-end test needs around ezcdc: real servers, certificates, the program and an oracle."""
