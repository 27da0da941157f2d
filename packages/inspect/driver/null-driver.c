// A Vulkan driver that compiles for a Radeon GPU which the machine does not have.
//
// Mesa's RADV makes a device of any Radeon family without hardware (RADV_FORCE_FAMILY) and compiles for it with its real
// compiler. Its memory, descriptors, synchronisation and command buffers crash there. This driver stands before RADV: it answers
// those calls itself, passes all others on, and records each compute pipeline (pipeline-records.h). Commands do nothing, so
// results are zeros.
//
// REAL_DRIVER is the path of libvulkan_radeon.so; the build defines it.
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <vulkan/vk_icd.h>

#include "pipeline-records.h"

static struct {
  PFN_vkGetInstanceProcAddr instance;
  PFN_vkGetInstanceProcAddr physicalDevice;
  PFN_vkGetDeviceProcAddr device;
  VkResult (*negotiate)(uint32_t *version);
} real;
static VkInstance latestInstance;

#define INSTANCE_CALL(name) ((PFN_##name)real.instance(latestInstance, #name))
#define DEVICE_CALL(device, name) ((PFN_##name)real.device(device, #name))
#define OBJECT(type, handle) ((type *)(uintptr_t)(handle))
#define HANDLE(type, object) ((type)(uintptr_t)(object))

static void loadRealDriver(void) {
  if (real.instance) return;
  void *library = dlopen(REAL_DRIVER, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "null-driver: %s\n", dlerror());
    abort();
  }
  real.instance = (PFN_vkGetInstanceProcAddr)dlsym(library, "vk_icdGetInstanceProcAddr");
  real.physicalDevice = (PFN_vkGetInstanceProcAddr)dlsym(library, "vk_icdGetPhysicalDeviceProcAddr");
  real.negotiate = dlsym(library, "vk_icdNegotiateLoaderICDInterfaceVersion");
}

// ---- Objects without state, and calls without an effect ---------------------------------------------------------------------

// The caller removes the arguments in the calling conventions of 64-bit machines, so one function serves every signature.
static VkResult succeed(void) { return VK_SUCCESS; }

static uint64_t nextHandle(void) {
  static atomic_ullong last = 0x1000;
  return atomic_fetch_add(&last, 16);
}

static VkResult createNothing(VkDevice device, const void *info, const void *allocator, uint64_t *handle) {
  *handle = nextHandle();
  return VK_SUCCESS;
}

static VkResult fake_vkAllocateDescriptorSets(VkDevice device, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *sets) {
  for (uint32_t i = 0; i < info->descriptorSetCount; i++) sets[i] = HANDLE(VkDescriptorSet, nextHandle());
  return VK_SUCCESS;
}

// Every value of a timeline semaphore has been reached.
static VkResult fake_vkGetSemaphoreCounterValue(VkDevice device, VkSemaphore semaphore, uint64_t *value) {
  *value = INT64_MAX;
  return VK_SUCCESS;
}

static VkResult fake_vkGetQueryPoolResults(VkDevice device, VkQueryPool pool, uint32_t first, uint32_t count, size_t size, void *data,
                                           VkDeviceSize stride, VkQueryResultFlags flags) {
  memset(data, 0, size);
  return VK_SUCCESS;
}

// ---- Memory: one heap, whose pages exist once they are written ----------------------------------------------------------------

static void describeMemory(VkPhysicalDeviceMemoryProperties *properties) {
  const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  const VkMemoryPropertyFlags host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                     VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  *properties = (VkPhysicalDeviceMemoryProperties){
      .memoryTypeCount = 2,
      .memoryTypes = {{.propertyFlags = local}, {.propertyFlags = local | host}},
      .memoryHeapCount = 1,
      .memoryHeaps = {{.size = 16ull << 30, .flags = VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}},
  };
}

static void fake_vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties *properties) {
  describeMemory(properties);
}

static void fake_vkGetPhysicalDeviceMemoryProperties2(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties2 *properties) {
  describeMemory(&properties->memoryProperties);
}

typedef struct {
  char *bytes;
  size_t size;
} Memory;

static VkResult fake_vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *allocator,
                                      VkDeviceMemory *handle) {
  Memory *memory = malloc(sizeof *memory);
  memory->size = info->allocationSize;
  memory->bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory->bytes == MAP_FAILED) {
    free(memory);
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  *handle = HANDLE(VkDeviceMemory, memory);
  return VK_SUCCESS;
}

static void fake_vkFreeMemory(VkDevice device, VkDeviceMemory handle, const VkAllocationCallbacks *allocator) {
  Memory *memory = OBJECT(Memory, handle);
  if (!memory) return;
  munmap(memory->bytes, memory->size);
  free(memory);
}

static VkResult fake_vkMapMemory(VkDevice device, VkDeviceMemory handle, VkDeviceSize offset, VkDeviceSize size, VkMemoryMapFlags flags,
                                 void **data) {
  *data = OBJECT(Memory, handle)->bytes + offset;
  return VK_SUCCESS;
}

typedef struct {
  VkDeviceSize size;
} Buffer;

static VkResult fake_vkCreateBuffer(VkDevice device, const VkBufferCreateInfo *info, const VkAllocationCallbacks *allocator,
                                    VkBuffer *handle) {
  Buffer *buffer = malloc(sizeof *buffer);
  buffer->size = info->size;
  *handle = HANDLE(VkBuffer, buffer);
  return VK_SUCCESS;
}

static void fake_vkDestroyBuffer(VkDevice device, VkBuffer handle, const VkAllocationCallbacks *allocator) {
  free(OBJECT(Buffer, handle));
}

static void fake_vkGetBufferMemoryRequirements(VkDevice device, VkBuffer handle, VkMemoryRequirements *requirements) {
  const VkDeviceSize alignment = 256;
  const VkDeviceSize size = (OBJECT(Buffer, handle)->size + alignment - 1) / alignment * alignment;
  *requirements = (VkMemoryRequirements){.size = size, .alignment = alignment, .memoryTypeBits = 3};
}

static void fake_vkGetBufferMemoryRequirements2(VkDevice device, const VkBufferMemoryRequirementsInfo2 *info,
                                                VkMemoryRequirements2 *requirements) {
  fake_vkGetBufferMemoryRequirements(device, info->buffer, &requirements->memoryRequirements);
}

static VkDeviceAddress fake_vkGetBufferDeviceAddress(VkDevice device, const VkBufferDeviceAddressInfo *info) { return 0x100000; }

// ---- Shader modules and pipelines ---------------------------------------------------------------------------------------------

static VkResult fake_vkCreateShaderModule(VkDevice device, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *allocator,
                                          VkShaderModule *handle) {
  VkResult result = DEVICE_CALL(device, vkCreateShaderModule)(device, info, allocator, handle);
  if (result == VK_SUCCESS) keepModule(*handle, info);
  return result;
}

static void fake_vkDestroyShaderModule(VkDevice device, VkShaderModule handle, const VkAllocationCallbacks *allocator) {
  forgetModule(handle);
  DEVICE_CALL(device, vkDestroyShaderModule)(device, handle, allocator);
}

// The names of other objects are dropped: RADV does not know the objects that this driver made.
static VkResult fake_vkSetDebugUtilsObjectNameEXT(VkDevice device, const VkDebugUtilsObjectNameInfoEXT *info) {
  if (info->objectType == VK_OBJECT_TYPE_SHADER_MODULE) nameModule(HANDLE(VkShaderModule, info->objectHandle), info->pObjectName);
  return VK_SUCCESS;
}

static VkResult fake_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count, const VkComputePipelineCreateInfo *infos,
                                              const VkAllocationCallbacks *allocator, VkPipeline *pipelines) {
  VkResult worst = VK_SUCCESS;
  for (uint32_t i = 0; i < count; i++) {
    VkComputePipelineCreateInfo info = infos[i];
    info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    // A pipeline out of a cache would not be compiled.
    VkResult result = DEVICE_CALL(device, vkCreateComputePipelines)(device, VK_NULL_HANDLE, 1, &info, allocator, &pipelines[i]);
    if (result == VK_SUCCESS) recordPipeline(real.device, device, pipelines[i], info.stage.module);
    else worst = result;
  }
  return worst;
}

// ---- The instance and the device ------------------------------------------------------------------------------------------------

static VkResult fake_vkCreateInstance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *instance) {
  VkResult result = ((PFN_vkCreateInstance)real.instance(NULL, "vkCreateInstance"))(info, allocator, instance);
  if (result != VK_SUCCESS) return result;
  latestInstance = *instance;
  real.device = (PFN_vkGetDeviceProcAddr)real.instance(*instance, "vkGetDeviceProcAddr");
  return result;
}

// Turns on the extension that the records need.
static VkResult fake_vkCreateDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo *given, const VkAllocationCallbacks *allocator,
                                    VkDevice *device) {
  VkDeviceCreateInfo info = *given;
  const char **names = malloc(sizeof *names * (info.enabledExtensionCount + 1));
  memcpy(names, info.ppEnabledExtensionNames, sizeof *names * info.enabledExtensionCount);
  names[info.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  info.ppEnabledExtensionNames = names;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
      .pNext = (void *)info.pNext,
      .pipelineExecutableInfo = VK_TRUE,
  };
  info.pNext = &feature;
  VkResult result = INSTANCE_CALL(vkCreateDevice)(physicalDevice, &info, allocator, device);
  free(names);
  return result;
}

// ---- Entry points -------------------------------------------------------------------------------------------------------------

static PFN_vkVoidFunction fake_vkGetDeviceProcAddr(VkDevice device, const char *name);

typedef struct {
  const char *name;
  PFN_vkVoidFunction function;
} Entry;

#define FAKE(name) {#name, (PFN_vkVoidFunction)fake_##name}
#define CREATE(name) {#name, (PFN_vkVoidFunction)createNothing}
#define SUCCEED(name) {#name, (PFN_vkVoidFunction)succeed}

static const Entry entries[] = {
    FAKE(vkCreateInstance),
    FAKE(vkCreateDevice),
    FAKE(vkGetDeviceProcAddr),
    // memory and buffers
    FAKE(vkGetPhysicalDeviceMemoryProperties),
    FAKE(vkGetPhysicalDeviceMemoryProperties2),
    FAKE(vkAllocateMemory),
    FAKE(vkFreeMemory),
    FAKE(vkMapMemory),
    SUCCEED(vkUnmapMemory),
    SUCCEED(vkFlushMappedMemoryRanges),
    SUCCEED(vkInvalidateMappedMemoryRanges),
    FAKE(vkCreateBuffer),
    FAKE(vkDestroyBuffer),
    FAKE(vkGetBufferMemoryRequirements),
    FAKE(vkGetBufferMemoryRequirements2),
    FAKE(vkGetBufferDeviceAddress),
    SUCCEED(vkBindBufferMemory),
    SUCCEED(vkBindBufferMemory2),
    CREATE(vkCreateBufferView),
    SUCCEED(vkDestroyBufferView),
    // descriptors
    CREATE(vkCreateDescriptorPool),
    SUCCEED(vkDestroyDescriptorPool),
    SUCCEED(vkResetDescriptorPool),
    FAKE(vkAllocateDescriptorSets),
    SUCCEED(vkFreeDescriptorSets),
    SUCCEED(vkUpdateDescriptorSets),
    // synchronisation and queries
    CREATE(vkCreateFence),
    SUCCEED(vkDestroyFence),
    SUCCEED(vkResetFences),
    SUCCEED(vkWaitForFences),
    SUCCEED(vkGetFenceStatus),
    CREATE(vkCreateSemaphore),
    SUCCEED(vkDestroySemaphore),
    FAKE(vkGetSemaphoreCounterValue),
    SUCCEED(vkWaitSemaphores),
    SUCCEED(vkSignalSemaphore),
    CREATE(vkCreateQueryPool),
    SUCCEED(vkDestroyQueryPool),
    SUCCEED(vkResetQueryPool),
    FAKE(vkGetQueryPoolResults),
    // commands; those that begin with vkCmd need no entry
    SUCCEED(vkDestroyCommandPool),
    SUCCEED(vkResetCommandPool),
    SUCCEED(vkFreeCommandBuffers),
    SUCCEED(vkBeginCommandBuffer),
    SUCCEED(vkEndCommandBuffer),
    SUCCEED(vkResetCommandBuffer),
    SUCCEED(vkQueueSubmit),
    SUCCEED(vkQueueSubmit2),
    SUCCEED(vkQueueWaitIdle),
    SUCCEED(vkDeviceWaitIdle),
    // pipelines
    FAKE(vkCreateShaderModule),
    FAKE(vkDestroyShaderModule),
    FAKE(vkSetDebugUtilsObjectNameEXT),
    FAKE(vkCreateComputePipelines),
};

// Whether a name is that of an entry, or its alias from before it became a part of Vulkan's core: the same with KHR at the end.
static int isNameOf(const char *name, const char *entry) {
  const size_t length = strlen(entry);
  return !strncmp(name, entry, length) && (!name[length] || !strcmp(name + length, "KHR"));
}

// Returns this driver's own function where it has one; a function that RADV lacks is missing here too.
static PFN_vkVoidFunction choose(const char *name, PFN_vkVoidFunction theirs) {
  if (!theirs) return NULL;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    if (isNameOf(name, entries[i].name)) return entries[i].function;
  return strncmp(name, "vkCmd", 5) ? theirs : (PFN_vkVoidFunction)succeed;
}

static PFN_vkVoidFunction fake_vkGetDeviceProcAddr(VkDevice device, const char *name) {
  return choose(name, real.device(device, name));
}

PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance, const char *name) {
  loadRealDriver();
  return choose(name, real.instance(instance, name));
}

// Returns NULL for functions that are not called with a physical device, as the loader requires.
PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name) {
  loadRealDriver();
  return choose(name, real.physicalDevice(instance, name));
}

VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  loadRealDriver();
  return real.negotiate(version);
}
