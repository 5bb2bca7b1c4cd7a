# SPDX-License-Identifier: Apache-2.0
# core/plugin: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/plugin/feed.h \
	core/plugin/host.h \
	core/plugin/instance.h \
	core/plugin/loader.h \
	core/plugin/options.h \
	core/plugin/turn.h \
	core/plugin/vet.h \
	$(NULL)
