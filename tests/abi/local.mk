# SPDX-License-Identifier: Apache-2.0
# The connector ABI against its baseline.

TESTS += tests/abi/abi.sh
EXTRA_DIST += \
	tests/abi/x86_64.abi \
	tests/abi/abi.sh \
	tests/abi/anchor.c \
	$(NULL)
