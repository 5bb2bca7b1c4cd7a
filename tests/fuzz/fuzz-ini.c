/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: configuration files. Whatever is accepted must be there to the
 * last byte: sections and keys are unique, lines grow, and the file that is
 * written out from them reads back as the same. */

#include <config.h>

#include <string.h>

#include "core/base/ini.h"
#include "core/base/text.h"
#include "tests/fuzz/fuzz.h"

static void
write_out (const struct ini *ini, struct text *text)
{
  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next) {
    text_printf (text, "[%s]\n", section->name);
    for (const struct ini_key *key = section->keys; key != NULL;
         key = key->next)
      text_printf (text, "%s=%s\n", key->name, key->value);
  }
}

static void
check_tree (const struct ini *ini)
{
  unsigned line = 0;

  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next) {
    FUZZ_CHECK (ini_section (ini, section->name) == section);
    FUZZ_CHECK (section->line > line);
    line = section->line;
    for (const struct ini_key *key = section->keys; key != NULL;
         key = key->next) {
      FUZZ_CHECK (ini_key (section, key->name) == key);
      FUZZ_CHECK (key->line > line);
      line = key->line;
    }
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  CLEANUP_INI struct ini *ini = NULL;
  CLEANUP_INI struct ini *again = NULL;
  CLEANUP_TEXT struct text first = { 0 };
  CLEANUP_TEXT struct text second = { 0 };
  struct error error = { 0 };

  if (ini_parse_text ("x", (const char *) data, length, &ini, &error) < 0) {
    FUZZ_CHECK (ini == NULL && error.code < 0 && error.text[0] != '\0');
    return 0;
  }
  check_tree (ini);
  write_out (ini, &first);
  FUZZ_CHECK (
    ini_parse_text ("y", text_string (&first), first.length, &again, &error)
    == 0);
  write_out (again, &second);
  FUZZ_CHECK (strcmp (text_string (&first), text_string (&second)) == 0);
  return 0;
}
