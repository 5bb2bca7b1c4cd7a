# SPDX-License-Identifier: Apache-2.0
# The rules of the house: arrows, symbols, hardening, sources, their layout,
# the header, the commands, the manual, the wipes. They look at the tree and at
# what was built.

house_tests = \
	tests/house/test-arrows.py \
	tests/house/test-audit.py \
	tests/house/test-commands.py \
	tests/house/test-completion.py \
	tests/house/test-format.py \
	tests/house/test-hardening.py \
	tests/house/test-header.py \
	tests/house/test-manual.py \
	tests/house/test-sources.py \
	tests/house/test-symbols.py \
	tests/house/test-wipes.py \
	$(NULL)
EXTRA_DIST += $(house_tests) tests/house/chain.py tests/house/house.py
if HAVE_PYTHON3
TESTS += $(house_tests)
endif

# Whether clang-format would change anything; "make format" lets it.
FORMATTED = find core plugins include tests -name '*.[ch]'
.PHONY: check-format format
check-format:
	cd $(top_srcdir) && $(FORMATTED) \
	  -exec $(CLANG_FORMAT) --dry-run --Werror {} +
format:
	cd $(top_srcdir) && $(FORMATTED) -exec $(CLANG_FORMAT) -i {} +
