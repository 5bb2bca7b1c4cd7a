/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector says about itself, for people and for programs. */

#ifndef EZCDC_CLI_DESCRIBE_CONNECTOR_H
#define EZCDC_CLI_DESCRIBE_CONNECTOR_H

struct connector;
struct json;
struct text;

/* All there is: several lines, or one object. */
void describe_connector_text (const struct connector *connector,
                              struct text *text);
void describe_connector_json (const struct connector *connector,
                              struct json *json);

/* One line of a list; and for a file that was refused, a line or an object
 * that says why. */
void describe_connector_line (const struct connector *connector,
                              struct text *text);
void describe_refusal_line (const char *file, const char *reason,
                            struct text *text);
void describe_refusal_json (const char *file, const char *reason,
                            struct json *json);

#endif
