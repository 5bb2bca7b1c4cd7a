# SPDX-License-Identifier: Apache-2.0
# core/pipeline: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/pipeline/ahead.c \
	core/pipeline/ahead.h \
	core/pipeline/attempt.h \
	core/pipeline/bad_row.c \
	core/pipeline/bad_row.h \
	core/pipeline/batch.c \
	core/pipeline/batch.h \
	core/pipeline/discovery.c \
	core/pipeline/discovery.h \
	core/pipeline/gather.c \
	core/pipeline/gather.h \
	core/pipeline/hash.h \
	core/pipeline/label.c \
	core/pipeline/loads.c \
	core/pipeline/loads.h \
	core/pipeline/missed.c \
	core/pipeline/missed.h \
	core/pipeline/pipeline.c \
	core/pipeline/pipeline.h \
	core/pipeline/pool.c \
	core/pipeline/pool.h \
	core/pipeline/position.c \
	core/pipeline/position.h \
	core/pipeline/repair.c \
	core/pipeline/repair.h \
	core/pipeline/retry.c \
	core/pipeline/retry.h \
	core/pipeline/round.c \
	core/pipeline/round.h \
	core/pipeline/shape.c \
	core/pipeline/shape.h \
	core/pipeline/snapshot.c \
	core/pipeline/snapshot.h \
	core/pipeline/snapshot_plan.c \
	core/pipeline/snapshot_read.c \
	core/pipeline/stream.c \
	core/pipeline/stream.h \
	core/pipeline/table.c \
	core/pipeline/table.h \
	core/pipeline/writer.c \
	core/pipeline/writer.h \
	$(NULL)
