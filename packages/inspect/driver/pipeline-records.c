#include "pipeline-records.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Shader modules: their SPIR-V and their names are kept for the pipelines made from them -----------------------------------

typedef struct Module {
  VkShaderModule handle;
  char *label;
  void *code;
  size_t size;
  struct Module *next;
} Module;

static Module *modules;
static pthread_mutex_t modulesLock = PTHREAD_MUTEX_INITIALIZER;

// Returns the link that points to a module, or to the end of the list. The caller holds the lock.
static Module **findModule(VkShaderModule handle) {
  Module **link = &modules;
  while (*link && (*link)->handle != handle) link = &(*link)->next;
  return link;
}

void keepModule(VkShaderModule handle, const VkShaderModuleCreateInfo *info) {
  Module *module = calloc(1, sizeof *module);
  module->handle = handle;
  module->code = malloc(info->codeSize);
  module->size = info->codeSize;
  memcpy(module->code, info->pCode, info->codeSize);
  pthread_mutex_lock(&modulesLock);
  module->next = modules;
  modules = module;
  pthread_mutex_unlock(&modulesLock);
}

void nameModule(VkShaderModule handle, const char *name) {
  pthread_mutex_lock(&modulesLock);
  Module *module = *findModule(handle);
  if (module) {
    free(module->label);
    module->label = strdup(name);
  }
  pthread_mutex_unlock(&modulesLock);
}

void forgetModule(VkShaderModule handle) {
  pthread_mutex_lock(&modulesLock);
  Module **link = findModule(handle);
  Module *module = *link;
  if (module) {
    *link = module->next;
    free(module->label);
    free(module->code);
    free(module);
  }
  pthread_mutex_unlock(&modulesLock);
}

// ---- Records --------------------------------------------------------------------------------------------------------------

#define CALL(name) ((PFN_##name)calls(device, #name))

static FILE *openRecord(const char *folder, int number, const char *extension) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.%s", folder, number, extension);
  FILE *file = fopen(path, "w");
  if (!file) {
    fprintf(stderr, "null-driver: cannot write %s\n", path);
    abort();
  }
  return file;
}

static void writeBytes(const char *folder, int number, const char *extension, const void *bytes, size_t size) {
  FILE *file = openRecord(folder, number, extension);
  fwrite(bytes, 1, size, file);
  fclose(file);
}

static void writeString(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') fputc('\\', file);
    if ((unsigned char)*text >= ' ') fputc(*text, file);
  }
  fputc('"', file);
}

static void writeStatistics(FILE *file, PFN_vkGetDeviceProcAddr calls, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  PFN_vkGetPipelineExecutableStatisticsKHR get = CALL(vkGetPipelineExecutableStatisticsKHR);
  uint32_t count = 0;
  get(device, executable, &count, NULL);
  VkPipelineExecutableStatisticKHR *all = calloc(count, sizeof *all);
  for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  get(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) {
    const VkPipelineExecutableStatisticKHR *one = &all[i];
    fputs(i ? ", " : "", file);
    writeString(file, one->name);
    if (one->format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR) fprintf(file, ": %g", one->value.f64);
    else fprintf(file, ": %llu", (unsigned long long)one->value.u64);
  }
  free(all);
}

// The assembly is one of the internal representations; the others are those of the compiler's earlier stages.
static void writeAssembly(const char *folder, int number, PFN_vkGetDeviceProcAddr calls, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
      CALL(vkGetPipelineExecutableInternalRepresentationsKHR);
  uint32_t count = 0;
  get(device, executable, &count, NULL);
  VkPipelineExecutableInternalRepresentationKHR *all = calloc(count, sizeof *all);
  for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  get(device, executable, &count, all); // the sizes
  for (uint32_t i = 0; i < count; i++) all[i].pData = strcmp(all[i].name, "Assembly") ? NULL : calloc(1, all[i].dataSize + 1);
  get(device, executable, &count, all); // the texts that have memory
  for (uint32_t i = 0; i < count; i++) {
    if (!all[i].pData) continue;
    writeBytes(folder, number, "s", all[i].pData, strlen(all[i].pData));
    free(all[i].pData);
  }
  free(all);
}

// A compute pipeline has one executable.
void recordPipeline(PFN_vkGetDeviceProcAddr calls, VkDevice device, VkPipeline pipeline, VkShaderModule module) {
  static atomic_int records;
  const char *folder = getenv("HEED_RECORDS");
  if (!folder) return;
  const int number = atomic_fetch_add(&records, 1);
  const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
  const VkPipelineExecutableInfoKHR executable = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
  VkPipelineExecutablePropertiesKHR properties = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  uint32_t count = 1;
  CALL(vkGetPipelineExecutablePropertiesKHR)(device, &info, &count, &properties);

  writeAssembly(folder, number, calls, device, &executable);
  pthread_mutex_lock(&modulesLock);
  const Module *from = *findModule(module);
  char *label = strdup(from && from->label ? from->label : "");
  if (from) writeBytes(folder, number, "spv", from->code, from->size);
  pthread_mutex_unlock(&modulesLock);
  FILE *file = openRecord(folder, number, "json");
  fputs("{ \"label\": ", file);
  writeString(file, label);
  fprintf(file, ", \"subgroupSize\": %u, \"statistics\": { ", properties.subgroupSize);
  writeStatistics(file, calls, device, &executable);
  fputs(" } }\n", file);
  fclose(file);
  free(label);
}
