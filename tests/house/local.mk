# SPDX-License-Identifier: Apache-2.0
# The rules of the house: arrows, symbols, hardening, headers.
