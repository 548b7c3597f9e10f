import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js'
import './gradients.js'
import { kit } from './kit.js'

/**
 * TensorFlow.js: the one copy in a process, with gradients and chained methods (`x.add(y)`), bundled on first use.
 * It runs its cpu kernels when it is called outside a traced function.
 */
export const tf: typeof import('@tensorflow/tfjs-core') = kit.tf

export type {
  DataType,
  GradSaveFunc,
  NamedTensorMap,
  Rank,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Tensor5D,
  TensorLike,
} from '@tensorflow/tfjs-core'
