/* Adds the inputs a and b, repeats the input text. Reads /inputs, writes /outputs, tells what it does on stdout. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_TEXT = 1 << 20 };

static char text[LARGEST_TEXT + 1];

/* Reads a whole input into `text`; 0 when there is no such input. */
static size_t read_input(const char *name, int *present) {
  char path[64];
  snprintf(path, sizeof path, "/inputs/%s", name);
  FILE *file = fopen(path, "rb");
  *present = file != NULL;
  if (file == NULL) return 0;
  size_t length = fread(text, 1, LARGEST_TEXT, file);
  fclose(file);
  text[length] = '\0';
  return length;
}

static long long read_integer(const char *name, int required) {
  int present;
  char *end;
  read_input(name, &present);
  if (!present && !required) return 0;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  while (isspace((unsigned char)*end)) end++;
  if (!present || end == text || *end != '\0' || errno != 0) {
    fprintf(stderr, "input %s is not an integer\n", name);
    exit(2);
  }
  return value;
}

static void write_output(const char *name, const char *bytes, size_t length) {
  char path[64];
  snprintf(path, sizeof path, "/outputs/%s", name);
  FILE *file = fopen(path, "wb");
  int written = file != NULL && fwrite(bytes, 1, length, file) == length;
  if (file == NULL || fclose(file) != 0 || !written) {
    perror(path);
    exit(3);
  }
}

int main(int count, char **arguments) {
  /* Lets the local mode see whether a container engine really runs containers. */
  if (count > 1 && strcmp(arguments[1], "--check") == 0) return puts("ready") < 0;
  setvbuf(stdout, NULL, _IOLBF, 0);

  long long a = read_integer("a", 1), b = read_integer("b", 1), sum;
  if (__builtin_add_overflow(a, b, &sum)) {
    fprintf(stderr, "the sum does not fit into 64 bits\n");
    return 2;
  }
  long long pause_seconds = read_integer("pause_seconds", 0);
  if (pause_seconds > 0) {
    printf("pausing for %lld s\n", pause_seconds);
    sleep((unsigned)pause_seconds);
  }
  char digits[32];
  int length = snprintf(digits, sizeof digits, "%lld", sum);
  write_output("sum", digits, (size_t)length);
  printf("%lld + %lld = %lld\n", a, b, sum);

  int present;
  size_t text_length = read_input("text", &present);
  write_output("echo", text, text_length);
  printf("echoed %zu bytes of text\n", text_length);
  return 0;
}
