/** What runs the operations: ONNX Runtime's own CPU kernels, a GPU by WebGPU, or one of NVIDIA's. */
export const providers = ['cpu', 'webgpu', 'cuda'] as const
export type Provider = (typeof providers)[number]
