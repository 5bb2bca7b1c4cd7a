# SPDX-License-Identifier: Apache-2.0
# core/keeper: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	$(NULL)
