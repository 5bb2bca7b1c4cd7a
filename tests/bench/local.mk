# SPDX-License-Identifier: Apache-2.0
# Measurements: make bench. BENCH_FLAGS="--help" shows what can be changed.

EXTRA_PROGRAMS = tests/bench/audit tests/bench/discard
tests_bench_audit_SOURCES = tests/bench/audit.c
tests_bench_audit_LDADD = core/libezcdc-core.la $(CORE_LIBS)
tests_bench_discard_SOURCES = tests/bench/discard.c
tests_bench_discard_LDADD = $(OPENSSL_LIBS)
CLEANFILES += tests/bench/audit tests/bench/discard

EXTRA_DIST += \
	tests/bench/bench.py \
	tests/bench/measure.py \
	tests/bench/workload.py \
	$(NULL)

.PHONY: bench
bench: all tests/bench/audit$(EXEEXT) tests/bench/discard$(EXEEXT)
	rm -rf tests/bench/stage
	$(MAKE) $(AM_MAKEFLAGS) -s install DESTDIR='$(abs_builddir)/tests/bench/stage' >/dev/null
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) $(srcdir)/tests/bench/bench.py \
	  --stage tests/bench/stage --discard tests/bench/discard$(EXEEXT) \
	  --audit tests/bench/audit$(EXEEXT) \
	  $(BENCH_FLAGS)

clean-local-bench:
	rm -rf tests/bench/stage
.PHONY: clean-local-bench
clean-local: clean-local-bench
