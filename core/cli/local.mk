# SPDX-License-Identifier: Apache-2.0
# core/cli: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/cli/command_key.c \
	$(NULL)
