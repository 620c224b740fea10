#include "darknet-ext/dn_library.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

enum { LARGEST_LIBRARY = 64 << 20 };

/* A shared library as it is in its file. */
struct image {
    char *bytes;
    size_t n;
};

/* `size` bytes at `offset`, or NULL where the file has none. Everything in an ELF file is aligned for its type. */
static void *at(const struct image *f, uint64_t offset, uint64_t size)
{
    bool inside = offset <= f->n && size <= f->n - offset && offset % sizeof(uint64_t) == 0;
    return inside ? f->bytes + offset : NULL;
}

static const Elf64_Ehdr *header(const struct image *f)
{
    const Elf64_Ehdr *h = at(f, 0, sizeof *h);
    bool ours = h && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
                h->e_phentsize == sizeof(Elf64_Phdr);
    return ours ? h : NULL;
}

/* The first segment of a type; of PT_LOAD that with the virtual address. */
static const Elf64_Phdr *segment(const struct image *f, uint32_t type, uint64_t address)
{
    const Elf64_Ehdr *h = header(f);
    const Elf64_Phdr *all = h ? at(f, h->e_phoff, (uint64_t)h->e_phnum * sizeof *all) : NULL;
    for (int i = 0; all && i < h->e_phnum; i++)
        if (all[i].p_type == type &&
            (type != PT_LOAD || (address >= all[i].p_vaddr && address - all[i].p_vaddr < all[i].p_filesz)))
            return &all[i];
    return NULL;
}

/* The name at `offset` of the table of strings at a virtual address; "" where there is none. */
static const char *name_at(const struct image *f, uint64_t address, uint64_t offset)
{
    const Elf64_Phdr *s = segment(f, PT_LOAD, address);
    uint64_t place = s ? address - s->p_vaddr + s->p_offset : f->n;
    if (place >= f->n || offset >= f->n - place || !memchr(f->bytes + place + offset, 0, f->n - place - offset))
        return "";
    return f->bytes + place + offset;
}

/* Takes the entries of the dynamic section out that name an unneeded library. False where there are none. */
static bool forget(const struct image *f, const char *unneeded)
{
    const Elf64_Phdr *s = segment(f, PT_DYNAMIC, 0);
    Elf64_Dyn *entries = s ? at(f, s->p_offset, s->p_filesz) : NULL;
    size_t n = entries ? s->p_filesz / sizeof *entries : 0, kept = 0;
    uint64_t names = 0;
    for (size_t i = 0; i < n; i++)
        if (entries[i].d_tag == DT_STRTAB)
            names = entries[i].d_un.d_ptr;
    for (size_t i = 0; i < n; i++) {
        const char *name = entries[i].d_tag == DT_NEEDED ? name_at(f, names, entries[i].d_un.d_val) : "";
        if (strncmp(name, unneeded, strlen(unneeded)) != 0)
            entries[kept++] = entries[i];
    }
    for (size_t i = kept; i < n; i++)
        entries[i] = (Elf64_Dyn){ .d_tag = DT_NULL };
    return kept < n;
}

/* RTLD_LAZY: a function that nobody defines matters when it is called, and these never are. */
static void *open_copy(const struct image *f)
{
    void *handle = NULL;
    int fd = memfd_create("libdarknet.so", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, f->bytes, f->n) == (ssize_t)f->n) {
        char path[40];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    }
    if (fd >= 0)
        close(fd);
    return handle;
}

void *dn_library_open(const char *path, const char *unneeded)
{
    struct image f = { 0 };
    struct err err; /* what is wrong with the file, dlopen will say */
    void *handle = NULL;
    if (file_read(path, LARGEST_LIBRARY, &f.bytes, &f.n, &err) && forget(&f, unneeded))
        handle = open_copy(&f);
    free(f.bytes);
    return handle ? handle : dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
