/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the host's table with which a connector hands over tables,
 * chunks and rows. What breaks a rule of the ABI is EZCDC_E_BUG, and the reason
 * names the function and the rule: behind these doors nobody looks again. */

#ifndef EZCDC_PLUGIN_HOST_FEED_H
#define EZCDC_PLUGIN_HOST_FEED_H

#include <ezcdc/connector.h>

int host_list_table (struct ezcdc_list *list, const struct ezcdc_table *table);
int host_list_chunk (struct ezcdc_list *list, const char *chunk,
                     int64_t estimated_rows);

int host_feed_begin (struct ezcdc_feed *feed,
                     const struct ezcdc_position *commit, int64_t commit_time);
int host_feed_row (struct ezcdc_feed *feed, uint64_t table_id,
                   uint32_t operation, const struct ezcdc_value *values,
                   const struct ezcdc_value *old_values, const char *message,
                   size_t length);
int host_feed_truncate (struct ezcdc_feed *feed, uint64_t table_id);
int host_feed_table (struct ezcdc_feed *feed, const struct ezcdc_table *table);
int host_feed_commit (struct ezcdc_feed *feed,
                      const struct ezcdc_position *end);
int host_feed_progress (struct ezcdc_feed *feed,
                        const struct ezcdc_position *position);

#endif
