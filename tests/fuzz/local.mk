# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: fuzz-NAME.c with its corpus in corpus/NAME. With
# --enable-fuzzers (clang) they are linked with libFuzzer: run one by hand, or
# all of them for a while with "make fuzz". Else they are ordinary tests, which
# run over the corpus and near variants of it.

fuzz_targets = \
	tests/fuzz/fuzz-ini \
	tests/fuzz/fuzz-text \
	$(NULL)
check_PROGRAMS += $(fuzz_targets)

if FUZZERS
fuzz_link = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_main = tests/fuzz/fuzz.h
else
fuzz_link = $(AM_LDFLAGS)
fuzz_main = tests/fuzz/fuzz.h tests/fuzz/run_corpus.c
TESTS += $(fuzz_targets)
endif

tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz-ini.c $(fuzz_main)
tests_fuzz_fuzz_ini_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_ini_LDADD = core/libezcdc-core.la

tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz-text.c $(fuzz_main)
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_text_LDADD = core/libezcdc-core.la

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run_corpus.c

# New inputs that reach further go to the build folder; pick the good ones.
FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzz_targets)
	for target in $(fuzz_targets); do \
	  name=$${target##*/fuzz-}; \
	  $(MKDIR_P) "tests/fuzz/found/$$name" && \
	  "$$target" -max_total_time=$(FUZZ_SECONDS) \
	    "tests/fuzz/found/$$name" "$(srcdir)/tests/fuzz/corpus/$$name" \
	    || exit 1; \
	done
