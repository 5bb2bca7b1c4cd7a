# SPDX-License-Identifier: Apache-2.0
# core/plugin: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/plugin/capabilities.c \
	core/plugin/capabilities.h \
	core/plugin/copies.c \
	core/plugin/copies.h \
	core/plugin/descriptor.c \
	core/plugin/feed.h \
	core/plugin/host.c \
	core/plugin/host.h \
	core/plugin/host_feed.c \
	core/plugin/host_feed.h \
	core/plugin/instance.c \
	core/plugin/instance.h \
	core/plugin/loader.c \
	core/plugin/loader.h \
	core/plugin/option_tables.c \
	core/plugin/option_value.c \
	core/plugin/option_value.h \
	core/plugin/options.c \
	core/plugin/options.h \
	core/plugin/policy.c \
	core/plugin/policy.h \
	core/plugin/reveal.c \
	core/plugin/reveal.h \
	core/plugin/sealed_copy.c \
	core/plugin/sealed_copy.h \
	core/plugin/signature.c \
	core/plugin/signature.h \
	core/plugin/turn.c \
	core/plugin/turn.h \
	core/plugin/vet.c \
	core/plugin/vet.h \
	core/plugin/vet_elf.c \
	$(NULL)
