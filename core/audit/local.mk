# SPDX-License-Identifier: Apache-2.0
# core/audit: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/audit/actions.c \
	core/audit/actions.h \
	core/audit/actor.c \
	core/audit/actor.h \
	core/audit/beside.c \
	core/audit/beside.h \
	core/audit/chain.c \
	core/audit/chain.h \
	core/audit/checkpoint.c \
	core/audit/checkpoint.h \
	core/audit/keys.c \
	core/audit/keys.h \
	core/audit/log.c \
	core/audit/log.h \
	core/audit/log_keys.c \
	core/audit/log_upkeep.c \
	core/audit/predecessor.c \
	core/audit/predecessor.h \
	core/audit/state.c \
	core/audit/state.h \
	core/audit/syslog.c \
	core/audit/syslog.h \
	core/audit/tail.c \
	core/audit/tail.h \
	core/audit/verify.c \
	core/audit/verify.h \
	core/audit/writer.h \
	core/audit/writer_file.c \
	core/audit/writer_lock.c \
	core/audit/writer_place.c \
	core/audit/writer_record.c \
	core/audit/writer_recover.c \
	$(NULL)
