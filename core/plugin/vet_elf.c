/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector's file must be inside: a shared object for this machine
 * without the holes that hardening closes. Nothing is mapped; all lengths
 * and offsets of the file are checked against its size by reading.
 */

#include <config.h>

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/plugin/vet.h"

/* More than any linker makes. */
#define MOST_SEGMENTS 128
#define MOST_DYNAMIC_ENTRIES 4096
/* The longest name of a library, with its end. */
#define LIBRARY_NAME_SIZE 256

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

struct object {
  int descriptor;
  const char *path;
  ElfW (Ehdr) header;
  /* Of the dynamic section: where the strings are in memory, 0 if it does not
   * say, and how many bytes. */
  uint64_t strings;
  uint64_t strings_length;
};

static int
refuse (const struct object *object, struct error *error, const char *why)
{
  return error_set (error, EZCDC_E_CONFIG, "refuse connector %s: %s",
                    object->path, why);
}

/* All of length bytes at offset, or false. */
static bool
read_at (int descriptor, void *data, size_t length, uint64_t offset)
{
  if (offset > INT64_MAX - length)
    return false;
  return pread (descriptor, data, length, (off_t) offset) == (ssize_t) length;
}

static bool
read_header (int descriptor, ElfW (Ehdr) * ret_header)
{
  ElfW (Ehdr) header;

  if (!read_at (descriptor, &header, sizeof header, 0))
    return false;
  if (memcmp (header.e_ident, ELFMAG, SELFMAG) != 0)
    return false;
  *ret_header = header;
  return true;
}

/* The running program knows best what this machine runs. */
static bool
read_own_header (ElfW (Ehdr) * ret_header)
{
  CLEANUP_CLOSE int descriptor = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);

  return descriptor >= 0 && read_header (descriptor, ret_header);
}

static int
check_header (struct object *object, struct error *error)
{
  const ElfW (Ehdr) *header = &object->header;
  ElfW (Ehdr) own;

  if (!read_header (object->descriptor, &object->header))
    return refuse (object, error, "it is no ELF file");
  if (!read_own_header (&own))
    return error_set (error, EZCDC_E_CONFIG,
                      "compare connector %s with /proc/self/exe: cannot be "
                      "read; is /proc mounted?",
                      object->path);
  if (header->e_ident[EI_CLASS] != own.e_ident[EI_CLASS])
    return refuse (object, error,
                   own.e_ident[EI_CLASS] == ELFCLASS64
                     ? "it is not a 64-bit object as this program is"
                     : "it is not a 32-bit object as this program is");
  if (header->e_ident[EI_DATA] != own.e_ident[EI_DATA]
      || header->e_machine != own.e_machine)
    return refuse (object, error, "it was built for another machine");
  if (header->e_ident[EI_VERSION] != EV_CURRENT
      || header->e_version != EV_CURRENT)
    return refuse (object, error, "its ELF version is unknown");
  if (header->e_type != ET_DYN)
    return refuse (object, error, "it is no shared object");
  if (header->e_phentsize != sizeof (ElfW (Phdr)) || header->e_phnum == 0
      || header->e_phnum > MOST_SEGMENTS)
    return refuse (object, error, "its table of segments is damaged");
  return 0;
}

static bool
read_segment (const struct object *object, size_t i, ElfW (Phdr) * ret_segment)
{
  return read_at (object->descriptor, ret_segment, sizeof *ret_segment,
                  object->header.e_phoff + i * sizeof *ret_segment);
}

/* Where the byte at an address in memory lies in the file. */
static bool
find_in_file (const struct object *object, uint64_t address,
              uint64_t *ret_offset)
{
  ElfW (Phdr) segment;

  for (size_t i = 0; i < object->header.e_phnum; i++)
    if (read_segment (object, i, &segment) && segment.p_type == PT_LOAD
        && address >= segment.p_vaddr
        && address - segment.p_vaddr < segment.p_filesz)
      return !__builtin_add_overflow (segment.p_offset,
                                      address - segment.p_vaddr, ret_offset);
  return false;
}

/* A library that it needs; index is its place among the strings. A name alone
 * is looked for where the system has its libraries. */
static int
check_library (const struct object *object, uint64_t index,
               struct error *error)
{
  char name[LIBRARY_NAME_SIZE];
  uint64_t left = object->strings_length - index;
  size_t length = left < sizeof name ? (size_t) left : sizeof name;
  uint64_t offset;

  if (index >= object->strings_length || object->strings == 0
      || !find_in_file (object, object->strings + index, &offset)
      || !read_at (object->descriptor, name, length, offset)
      || memchr (name, '\0', length) == NULL)
    return refuse (object, error, "the name of a library it needs is damaged");
  if (strchr (name, '/') == NULL)
    return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "refuse connector %s: it names the library %s by a path, "
                    "which lets others slip in a library (give it a soname, "
                    "link with -l, and have it where the system has its "
                    "libraries)",
                    object->path, name);
}

static int
check_dynamic_entry (const struct object *object, const ElfW (Dyn) * entry,
                     struct error *error)
{
  switch (entry->d_tag) {
  case DT_TEXTREL:
    return refuse (object, error,
                   "it relocates its code (build it with -fPIC)");
  case DT_FLAGS:
    if ((entry->d_un.d_val & DF_TEXTREL) != 0)
      return refuse (object, error,
                     "it relocates its code (build it with -fPIC)");
    return 0;
  case DT_FLAGS_1:
    if ((entry->d_un.d_val & DF_1_PIE) != 0)
      return refuse (object, error, "it is a program (link it with -shared)");
    return 0;
  case DT_RPATH:
    return refuse (object, error,
                   "it has an RPATH, which lets others slip in libraries "
                   "(link it without -rpath)");
  case DT_RUNPATH:
    return refuse (object, error,
                   "it has a RUNPATH, which lets others slip in libraries "
                   "(link it without -rpath)");
  case DT_FILTER:
  case DT_AUXILIARY:
    return refuse (object, error,
                   "it is a filter, which lets others slip in libraries "
                   "(link it without --filter and --auxiliary)");
  default:
    return 0;
  }
}

/* Notes where the strings are, which may be told behind what needs them. */
static void
note_strings (struct object *object, const ElfW (Dyn) * entry)
{
  if (entry->d_tag == DT_STRTAB)
    object->strings = entry->d_un.d_ptr;
  else if (entry->d_tag == DT_STRSZ)
    object->strings_length = entry->d_un.d_val;
}

/* All of the section is known to be there. */
static int
check_libraries (const struct object *object, const ElfW (Phdr) * segment,
                 size_t count, struct error *error)
{
  ElfW (Dyn) entry;
  int code = 0;

  for (size_t i = 0; code == 0 && i < count; i++)
    if (read_at (object->descriptor, &entry, sizeof entry,
                 segment->p_offset + i * sizeof entry)
        && entry.d_tag == DT_NEEDED)
      code = check_library (object, entry.d_un.d_val, error);
  return code;
}

static int
check_dynamic (struct object *object, const ElfW (Phdr) * segment,
               struct error *error)
{
  size_t count = segment->p_filesz / sizeof (ElfW (Dyn));
  ElfW (Dyn) entry;

  if (count > MOST_DYNAMIC_ENTRIES
      || segment->p_filesz % sizeof (ElfW (Dyn)) != 0)
    return refuse (object, error, "its dynamic section is damaged");
  for (size_t i = 0; i < count; i++) {
    if (!read_at (object->descriptor, &entry, sizeof entry,
                  segment->p_offset + i * sizeof entry))
      return refuse (object, error, "its dynamic section is cut");
    if (entry.d_tag == DT_NULL)
      return check_libraries (object, segment, i, error);
    note_strings (object, &entry);
    if (check_dynamic_entry (object, &entry, error) != 0)
      return error->code;
  }
  return refuse (object, error, "its dynamic section has no end");
}

/* What the segments say, for checks of the whole. */
struct segments {
  bool stack_declared;
  bool dynamic;
};

static int
check_segment (struct object *object, const ElfW (Phdr) * segment,
               struct segments *segments, struct error *error)
{
  if (segment->p_type == PT_GNU_STACK) {
    segments->stack_declared = true;
    if ((segment->p_flags & PF_X) != 0)
      return refuse (object, error,
                     "it wants an executable stack (link it with "
                     "-Wl,-z,noexecstack)");
  }
  if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0
      && (segment->p_flags & PF_W) != 0)
    return refuse (object, error,
                   "it has a segment that is both writable and executable");
  if (segment->p_type == PT_DYNAMIC) {
    segments->dynamic = true;
    return check_dynamic (object, segment, error);
  }
  return 0;
}

int
vet_elf (int descriptor, const char *path, struct error *error)
{
  struct object object = { .descriptor = descriptor, .path = path };
  struct segments segments = { 0 };
  ElfW (Phdr) segment;

  if (check_header (&object, error) != 0)
    return error->code;
  for (size_t i = 0; i < object.header.e_phnum; i++) {
    if (!read_segment (&object, i, &segment))
      return refuse (&object, error, "its table of segments is cut");
    if (check_segment (&object, &segment, &segments, error) != 0)
      return error->code;
  }
  if (!segments.dynamic)
    return refuse (&object, error, "it has no dynamic section");
  /* Without the mark the loader makes every stack executable. */
  if (!segments.stack_declared)
    return refuse (&object, error,
                   "it does not say that its stack need not be executable "
                   "(link it with -Wl,-z,noexecstack)");
  return 0;
}
