/** The public declarations of `@heed/onnx`, by tools/api.mjs. */
// #region Functions
export declare function heedTensor(gpu: Gpu, x: Ort.Tensor): Tensor;
export declare function ortTensor(ort: Pick<typeof Ort, "Tensor">, x: Tensor): Ort.Tensor;
export declare function sessionOptions(gpu: Gpu): Required<Pick<Ort.InferenceSession.SessionOptions, "executionProviders" | "preferredOutputLocation">>;
// #endregion
