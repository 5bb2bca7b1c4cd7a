# SPDX-License-Identifier: Apache-2.0
# core/runner: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/runner/assembly.c \
	core/runner/assembly.h \
	core/runner/calls.c \
	core/runner/calls.h \
	core/runner/check.c \
	core/runner/compare.c \
	core/runner/compare.h \
	core/runner/connections.c \
	core/runner/connections.h \
	core/runner/config.c \
	core/runner/config.h \
	core/runner/confine.c \
	core/runner/confine.h \
	core/runner/landlock.c \
	core/runner/landlock.h \
	core/runner/main.c \
	core/runner/privileges.c \
	core/runner/privileges.h \
	core/runner/reach.c \
	core/runner/reach.h \
	core/runner/run.c \
	core/runner/runner.h \
	core/runner/status.c \
	core/runner/status.h \
	core/runner/verify.c \
	$(NULL)
