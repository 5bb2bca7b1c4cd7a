# SPDX-License-Identifier: Apache-2.0
# core/keeper: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/keeper/keeper.c \
	core/keeper/attend.c \
	core/keeper/note.c \
	core/keeper/parts.h \
	core/keeper/prepare.c \
	core/keeper/reload.c \
	core/keeper/signals.c \
	core/keeper/supervise.c \
	core/keeper/budget.c \
	core/keeper/budget.h \
	core/keeper/credentials.c \
	core/keeper/credentials.h \
	core/keeper/file_calls.c \
	core/keeper/file_calls.h \
	core/keeper/guard.c \
	core/keeper/guard.h \
	core/keeper/harden.c \
	core/keeper/harden.h \
	core/keeper/runner.c \
	core/keeper/runner.h \
	core/keeper/serve.c \
	core/keeper/serve.h \
	core/keeper/link.c \
	core/keeper/named_path.c \
	core/keeper/named_path.h \
	core/keeper/protocol.c \
	core/keeper/protocol.h \
	core/keeper/run_lock.c \
	core/keeper/settings.c \
	core/keeper/settings.h \
	core/keeper/trouble.c \
	core/keeper/trouble.h \
	core/keeper/watch.c \
	core/keeper/watch.h \
	core/keeper/keeper.h \
	core/keeper/link.h \
	core/keeper/run_lock.h \
	$(NULL)
