/* Command lines as text that a shell reads back as the same words. */
#ifndef MARGINALIA_BASE_SHELL_H
#define MARGINALIA_BASE_SHELL_H

/* argv[0..argc-1] separated by blanks, quoted where need be; free() it. */
char *shell_command(int argc, char **argv);

/* The command that continues this one: --overwrite turned into --resume, or --resume added. free() it. */
char *shell_resume_command(int argc, char **argv);

#endif
