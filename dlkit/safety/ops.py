"""The TensorFlow operations allowed in a foreign SavedModel: computation on tensors, without external effects.

Operations not listed are rejected: PyFunc, ReadFile, WriteFile, PrintV2, tf.data, queues, communication and future ops.
"""

_CONTROL = """
Assert Case Const ControlTrigger Enter Exit GuaranteeConst Identity IdentityN If LoopCond Merge NextIteration NoOp
PartitionedCall Placeholder PlaceholderV2 PlaceholderWithDefault PreventGradient Select SelectV2 Snapshot
StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient Switch While EnsureShape
"""
_ARITHMETIC = """
Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh
BatchMatMul BatchMatMulV2 BatchMatMulV3 Bincount BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast Ceil CheckNumerics
CheckNumericsV2 ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp DenseBincount
Digamma Div DivNoNan Einsum Elu Equal Erf Erfc Erfinv EuclideanNorm Exp Expm1 FFT FFT2D FFT3D Floor FloorDiv FloorMod
Greater GreaterEqual IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D Igamma Igammac Imag InTopK InTopKV2 Inv Invert IsFinite
IsInf IsNan L2Loss LeakyRelu LeftShift Less LessEqual Lgamma LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot
LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual Polygamma Pow Prod RFFT
RFFT2D RFFT3D RaggedBincount Range Real RealDiv Reciprocal Relu Relu6 RightShift Rint Round Rsqrt Selu Sigmoid Sign
Sin Sinh Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign SparseSoftmaxCrossEntropyWithLogits Sqrt Square
SquaredDifference Sub Sum Tan Tanh TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta
"""
_LINEAR_ALGEBRA = """
Cholesky MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixSquareRoot
MatrixTriangularSolve Qr SelfAdjointEigV2 Svd
"""
_NETWORK = """
AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 BlockLSTM BlockLSTMV2 CTCGreedyDecoder
CTCBeamSearchDecoder Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput
Conv3DBackpropInputV2 CudnnRNNV3 DataFormatDimMap DataFormatVecPermute DepthwiseConv2dNative
DepthwiseConv2dNativeBackpropInput Dilation2D FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell LRN
LSTMBlockCell MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax
"""
_SHAPES = """
BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2 ConjugateTranspose
DepthToSpace Diag DiagPart DynamicPartition DynamicStitch Empty ExpandDims ExtractImagePatches ExtractVolumePatches Fill
Gather GatherNd GatherV2 InvertPermutation ListDiff MirrorPad OneHot OnesLike Pack Pad PadV2 ParallelDynamicStitch Rank
Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd SegmentMax SegmentMean SegmentMin
SegmentProd SegmentSum Shape ShapeN Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze
StridedSlice TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
TensorStridedSliceUpdate Tile TopK TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Where ZerosLike LowerBound
UpperBound RaggedRange RaggedTensorToTensor RaggedTensorFromVariant RaggedTensorToVariant SparseReshape SparseToDense
SparseTensorDenseMatMul SparseReorder SparseFillEmptyRows SparseSegmentMean SparseSegmentSum
"""
_IMAGES = """
AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize DecodeAndCropJpeg DecodeBmp
DecodeGif DecodeImage DecodeJpeg DecodePng EncodeJpeg EncodePng ExtractJpegShape HSVToRGB ImageProjectiveTransformV2
ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
NonMaxSuppressionV5 RGBToHSV ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
AudioSpectrogram DecodeWav Mfcc
"""
_RANDOM = """
RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip StatelessMultinomial
StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
"""
_TEXT = """
AsString DecodeBase64 DecodeRaw EncodeBase64 ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch
StaticRegexReplace StringFormat StringJoin StringLength StringLower StringNGrams StringSplit StringSplitV2 StringStrip
StringToHashBucket StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
UnicodeDecodeWithOffsets UnicodeEncode UnicodeTranscode
"""
_LISTS = """
EmptyTensorList TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3
TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2 TensorListElementShape TensorListFromTensor
TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve
TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
TensorListSplit TensorListStack
"""
_VARIABLES = """
AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead ReadVariableOp
ResourceGather ResourceGatherNd VarHandleOp VarIsInitializedOp VariableShape HashTableV2 LookupTableFindV2
LookupTableImportV2 LookupTableSizeV2 MutableHashTableV2 LookupTableExportV2 LookupTableInsertV2
"""

ALLOWED = frozenset(
    " ".join(
        (_CONTROL, _ARITHMETIC, _LINEAR_ALGEBRA, _NETWORK, _SHAPES, _IMAGES, _RANDOM, _TEXT, _LISTS, _VARIABLES)
    ).split()
)
# Allowed only in the functions that write and read the artefact's own variables.
SAVING = frozenset({"MergeV2Checkpoints", "SaveV2", "ShardedFilename"})
RESTORING = frozenset({"RestoreV2"})
# Allowed only with a file that the artefact lists as an asset.
READS_ASSET = "InitializeTableFromTextFileV2"
