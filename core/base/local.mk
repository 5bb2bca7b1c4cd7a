# SPDX-License-Identifier: Apache-2.0
# core/base: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/base/version.c \
	core/base/version.h \
	$(NULL)
