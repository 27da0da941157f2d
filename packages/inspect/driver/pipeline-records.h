// Files with what the compiler made of each compute pipeline.
//
// Record n of a process has three files in the folder that HEED_RECORDS names at the time of compilation:
//   n.spv   the SPIR-V that the application gave
//   n.s     the assembly
//   n.json  { "label", "subgroupSize", "statistics": { name: number } }; it is written last
// The label is the name that the application gave the shader module by VK_EXT_debug_utils.
#pragma once
#include <vulkan/vulkan.h>

void keepModule(VkShaderModule handle, const VkShaderModuleCreateInfo *info);
void nameModule(VkShaderModule handle, const char *name);
void forgetModule(VkShaderModule handle);

// Records a pipeline that was made from a module, with the calls of the real driver.
void recordPipeline(PFN_vkGetDeviceProcAddr calls, VkDevice device, VkPipeline pipeline, VkShaderModule module);
