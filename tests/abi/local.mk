# SPDX-License-Identifier: Apache-2.0
# The connector ABI against its baseline.
