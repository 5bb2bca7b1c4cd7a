# SPDX-License-Identifier: Apache-2.0
# core/base: what every room stands on.

core_libezcdc_core_la_SOURCES += \
	core/base/allocations.c \
	core/base/allocations.h \
	core/base/clock.c \
	core/base/clock.h \
	core/base/error.c \
	core/base/error.h \
	core/base/files.c \
	core/base/files.h \
	core/base/ini.c \
	core/base/ini.h \
	core/base/json.c \
	core/base/json.h \
	core/base/json_rewrite.c \
	core/base/json_rewrite.h \
	core/base/log.c \
	core/base/log.h \
	core/base/memory.c \
	core/base/memory.h \
	core/base/names.c \
	core/base/names.h \
	core/base/pem_mark.c \
	core/base/pem_mark.h \
	core/base/print.c \
	core/base/print.h \
	core/base/rights.c \
	core/base/rights.h \
	core/base/streams.c \
	core/base/streams.h \
	core/base/text.c \
	core/base/text.h \
	core/base/utf8.c \
	core/base/utf8.h \
	core/base/values.c \
	core/base/values.h \
	$(NULL)
