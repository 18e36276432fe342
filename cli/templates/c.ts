import type { ProgramTemplate } from './template.ts'

const DOCKERFILE = `FROM docker.io/library/gcc:14 AS build
COPY main.c /main.c
RUN gcc -static -O2 -Wall -o /main /main.c

# A static program needs nothing else, so the image has a few hundred kB.
FROM scratch
COPY --from=build /main /main
# The user nobody: a task needs no rights.
USER 65534:65534
ENTRYPOINT ["/main"]
`

const PROGRAM = `/* Draws a frame into an image and computes its area. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  return file;
}

/* Reads a whole text of up to size - 1 bytes. */
static void read_text(const char *path, char *text, size_t size) {
  FILE *file = open_file(path, "rb");
  text[fread(text, 1, size - 1, file)] = '\\0';
  fclose(file);
}

static double read_number(const char *path) {
  char text[64];
  read_text(path, text, sizeof text);
  return strtod(text, NULL);
}

/* Width and height of a PNG are at bytes 16 and 20, big-endian. */
static void read_image_size(const char *path, unsigned *width, unsigned *height) {
  unsigned char start[24] = {0};
  FILE *file = open_file(path, "rb");
  if (fread(start, 1, sizeof start, file) < sizeof start) {
    fprintf(stderr, "%s is not a PNG file\\n", path);
    exit(1);
  }
  fclose(file);
  *width = (unsigned)start[16] << 24 | start[17] << 16 | start[18] << 8 | start[19];
  *height = (unsigned)start[20] << 24 | start[21] << 16 | start[22] << 8 | start[23];
}

/* Size of an array; 0 for an optional one without a value, which has no folder. */
static int read_array_size(const char *folder) {
  char path[256], text[64];
  struct stat info;
  int size = 0;
  if (stat(folder, &info) != 0) return 0;
  snprintf(path, sizeof path, "%s/array.yml", folder);
  read_text(path, text, sizeof text);
  sscanf(text, "size: %d", &size);
  return size;
}

int main(void) {
  unsigned width, height;
  char place[32], path[64];
  read_image_size("/inputs/image", &width, &height);
  double fraction = read_number("/inputs/fraction");
  read_text("/inputs/place", place, sizeof place);
  int count = read_array_size("/inputs/factors");

  double w = width * fraction, h = height * fraction;
  int is_centered = strcmp(place, "center") == 0;
  /* Cytomine counts y from the bottom of the image: at the top, y is the height. */
  double x = is_centered ? (width - w) / 2 : 0, y = is_centered ? (height - h) / 2 : height - h;
  printf("image of %u x %u pixels, frame of %g x %g\\n", width, height, w, h);

  FILE *file = open_file("/outputs/width", "wb");
  fprintf(file, "%u", width);
  fclose(file);

  file = open_file("/outputs/frame", "wb");
  fprintf(file, "{\\"type\\":\\"Polygon\\",\\"coordinates\\":[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g]]]}",
          x, y, x + w, y, x + w, y + h, x, y + h, x, y);
  fclose(file);

  mkdir("/outputs/areas", 0777);
  file = open_file("/outputs/areas/array.yml", "wb");
  fprintf(file, "size: %d", count);
  fclose(file);
  for (int index = 0; index < count; index++) {
    snprintf(path, sizeof path, "/inputs/factors/%d", index);
    double factor = read_number(path);
    snprintf(path, sizeof path, "/outputs/areas/%d", index);
    file = open_file(path, "wb");
    fprintf(file, "%.17g", w * h * factor);
    fclose(file);
  }
  return 0;
}
`

export const cTemplate: ProgramTemplate = () => [
  { path: 'Dockerfile', content: DOCKERFILE },
  { path: 'main.c', content: PROGRAM },
]
