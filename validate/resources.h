/* Files that come with the program: below the current directory, or where the program was built or installed. */
#ifndef MARGINALIA_VALIDATE_RESOURCES_H
#define MARGINALIA_VALIDATE_RESOURCES_H

/* "cfg/release.conf" from here; else beside the folder of the program, in the tree that it was built in, or in
 * share/marginalia. The name itself when there is none. free() it. */
char *resource_find(const char *name);

#endif
