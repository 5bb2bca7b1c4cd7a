# SPDX-License-Identifier: Apache-2.0
# Shared objects that only tests load.
