/* Multiplies each number of an array by a factor. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  return file;
}

static double read_number(const char *path) {
  double value = 0;
  FILE *file = open_file(path, "r");
  if (fscanf(file, "%lf", &value) != 1) {
    fprintf(stderr, "%s holds no number\n", path);
    exit(1);
  }
  fclose(file);
  return value;
}

int main(void) {
  char path[64];
  int size = 0;
  FILE *file = open_file("/inputs/numbers/array.yml", "r");
  if (fscanf(file, "size: %d", &size) != 1) return 1;
  fclose(file);
  double factor = read_number("/inputs/factor");

  mkdir("/outputs/products", 0777);
  file = open_file("/outputs/products/array.yml", "w");
  fprintf(file, "size: %d", size);
  fclose(file);
  for (int index = 0; index < size; index++) {
    snprintf(path, sizeof path, "/inputs/numbers/%d", index);
    double product = read_number(path) * factor;
    snprintf(path, sizeof path, "/outputs/products/%d", index);
    file = open_file(path, "w");
    fprintf(file, "%.17g", product);
    fclose(file);
  }
  printf("%d numbers times %g\n", size, factor);
  return 0;
}
