# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: fuzz-NAME.c with its corpus in corpus/NAME; see README.md here.
# With --enable-fuzzers (clang) they are linked with libFuzzer: run one by
# hand, or all of them for a while with "make fuzz SECONDS=60". Else they are
# ordinary tests, which run over the corpus and near variants of it.

# Of the core.
fuzz_targets = \
	tests/fuzz/fuzz-audit \
	tests/fuzz/fuzz-descriptor \
	tests/fuzz/fuzz-envelope \
	tests/fuzz/fuzz-ini \
	tests/fuzz/fuzz-protocol \
	tests/fuzz/fuzz-text \
	tests/fuzz/fuzz-url \
	$(NULL)
# Of connectors.
if CONNECTOR_POSTGRES
fuzz_targets += \
	tests/fuzz/fuzz-authentication \
	tests/fuzz/fuzz-copy \
	tests/fuzz/fuzz-pgoutput \
	$(NULL)
endif
if CONNECTOR_STARROCKS
fuzz_targets += \
	tests/fuzz/fuzz-answer \
	tests/fuzz/fuzz-schema \
	$(NULL)
endif
check_PROGRAMS += $(fuzz_targets)

if FUZZERS
fuzz_link = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_main = tests/fuzz/fuzz.h
else
fuzz_link = $(AM_LDFLAGS)
fuzz_main = tests/fuzz/fuzz.h tests/fuzz/run_corpus.c
TESTS += $(fuzz_targets)
endif

fuzz_core = core/libezcdc-core.la

tests_fuzz_fuzz_audit_SOURCES = tests/fuzz/fuzz-audit.c $(fuzz_main)
tests_fuzz_fuzz_audit_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_audit_LDADD = $(fuzz_core)

tests_fuzz_fuzz_descriptor_SOURCES = tests/fuzz/fuzz-descriptor.c $(fuzz_main)
tests_fuzz_fuzz_descriptor_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_descriptor_LDADD = $(fuzz_core)

tests_fuzz_fuzz_envelope_SOURCES = tests/fuzz/fuzz-envelope.c $(fuzz_main)
tests_fuzz_fuzz_envelope_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_envelope_LDADD = $(fuzz_core)

tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz-ini.c $(fuzz_main)
tests_fuzz_fuzz_ini_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_ini_LDADD = $(fuzz_core)

tests_fuzz_fuzz_protocol_SOURCES = tests/fuzz/fuzz-protocol.c $(fuzz_main)
tests_fuzz_fuzz_protocol_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_protocol_LDADD = $(fuzz_core) $(CORE_LIBS)

tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz-text.c $(fuzz_main)
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_text_LDADD = $(fuzz_core)

tests_fuzz_fuzz_url_SOURCES = tests/fuzz/fuzz-url.c $(fuzz_main)
tests_fuzz_fuzz_url_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_url_LDADD = $(fuzz_core)

# The PostgreSQL source: pure functions, and the core for run_corpus.c only.
tests_fuzz_fuzz_authentication_SOURCES = \
	plugins/postgres/authentication.c \
	tests/fuzz/fuzz-authentication.c \
	$(fuzz_main)
tests_fuzz_fuzz_authentication_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_authentication_LDADD = $(fuzz_core)

tests_fuzz_fuzz_copy_SOURCES = \
	plugins/postgres/copy.c \
	plugins/postgres/value.c \
	tests/fuzz/fuzz-copy.c \
	$(fuzz_main)
tests_fuzz_fuzz_copy_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_copy_LDADD = $(fuzz_core)

tests_fuzz_fuzz_pgoutput_SOURCES = \
	plugins/postgres/pgoutput.c \
	tests/fuzz/fuzz-pgoutput.c \
	$(fuzz_main)
tests_fuzz_fuzz_pgoutput_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_pgoutput_LDADD = $(fuzz_core)

# The StarRocks sink.
fuzz_starrocks = \
	plugins/starrocks/libstarrocks.la $(fuzz_core) $(STARROCKS_LIBS) -lm
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz-answer.c $(fuzz_main)
tests_fuzz_fuzz_answer_CPPFLAGS = $(AM_CPPFLAGS) $(STARROCKS_CFLAGS)
tests_fuzz_fuzz_answer_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_answer_LDADD = $(fuzz_starrocks)

tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz-schema.c $(fuzz_main)
tests_fuzz_fuzz_schema_CPPFLAGS = $(AM_CPPFLAGS) $(STARROCKS_CFLAGS)
tests_fuzz_fuzz_schema_LDFLAGS = $(fuzz_link)
tests_fuzz_fuzz_schema_LDADD = $(fuzz_starrocks)

EXTRA_DIST += \
	tests/fuzz/README.md \
	tests/fuzz/corpus \
	tests/fuzz/make_seeds.py \
	tests/fuzz/run_corpus.c \
	$(NULL)

# New inputs that reach further go to the build folder; pick the good ones.
SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzz_targets)
	for target in $(fuzz_targets); do \
	  name=$${target##*/fuzz-}; \
	  $(MKDIR_P) "tests/fuzz/found/$$name" && \
	  "$$target" -max_total_time=$(SECONDS) \
	    "tests/fuzz/found/$$name" "$(srcdir)/tests/fuzz/corpus/$$name" \
	    || exit 1; \
	done
