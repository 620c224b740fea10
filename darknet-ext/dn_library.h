/* Opens libdarknet as quickly as it can be opened. */
#ifndef MARGINALIA_DARKNET_EXT_DN_LIBRARY_H
#define MARGINALIA_DARKNET_EXT_DN_LIBRARY_H

/* dlopen of the library at `path`, without the libraries that it needs whose names begin with `unneeded`, of which the
 * caller promises never to use a function. The packaged libdarknet is linked with OpenCV for its camera and its
 * windows; with that come 250 libraries, a quarter of a second at the start of every command, and 70 MB.
 *
 * For this a copy in memory that no longer names them is opened. Where that fails, as where the system forbids to run
 * code from memory, or the library turns out to use data of theirs, the file itself is opened with all that it needs.
 * NULL: dlerror says why. */
void *dn_library_open(const char *path, const char *unneeded);

#endif
