/* Which Marginalia this is. Set by the Makefile from git; "unknown" outside a repository. */
#ifndef MARGINALIA_BASE_VERSION_H
#define MARGINALIA_BASE_VERSION_H

const char *version_string(void); /* `git describe --always --dirty` */
const char *version_revision(void); /* the full commit hash, for manifests */

#endif
