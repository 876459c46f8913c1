"""The classes of stages that a saved PipelineModel may have: names in its metadata, never imported from it.

Left out on purpose: SQLTransformer (it runs SQL of its own, which can call any Java method), RFormulaModel and
OneVsRestModel (they load stages from folders that nothing lists), and everything that is not a part of Spark MLlib
or of XGBoost.
"""

PIPELINES = ("pyspark.ml.pipeline.PipelineModel", "org.apache.spark.ml.PipelineModel")
"""As Python writes a pipeline that has a Python stage, and as the JVM writes one of its own stages only."""

MLLIB = "org.apache.spark.ml."
ASSEMBLER = f"{MLLIB}feature.VectorAssembler"
XGBOOST = "xgboost.spark.estimator.SparkXGBClassifierModel"

TRANSFORMERS = frozenset(
    f"{MLLIB}feature.{name}"
    for name in (
        "Binarizer", "Bucketizer", "ChiSqSelectorModel", "FeatureHasher", "ImputerModel", "IndexToString",
        "Interaction", "MaxAbsScalerModel", "MinMaxScalerModel", "Normalizer", "OneHotEncoderModel", "PCAModel",
        "PolynomialExpansion", "RobustScalerModel", "StandardScalerModel", "StringIndexerModel",
        "UnivariateFeatureSelectorModel", "VarianceThresholdSelectorModel", "VectorAssembler", "VectorIndexerModel",
        "VectorSizeHint", "VectorSlicer",
    )
)  # fmt: skip
CLASSIFIERS = frozenset(
    {
        XGBOOST,
        *(
            f"{MLLIB}classification.{name}"
            for name in (
                "DecisionTreeClassificationModel", "FMClassificationModel", "GBTClassificationModel",
                "LinearSVCModel", "LogisticRegressionModel", "MultilayerPerceptronClassificationModel",
                "NaiveBayesModel", "RandomForestClassificationModel",
            )
        ),
    }
)  # fmt: skip
ALLOWED = TRANSFORMERS | CLASSIFIERS
WITHOUT_PROBABILITY = f"{MLLIB}classification.LinearSVCModel"
"""A classifier of MLlib that gives a margin and a class, but no probability."""

TUNED = ("CrossValidatorModel", "TrainValidationSplitModel")
"""What a search over settings returns: its best model is the PipelineModel."""

WHY_REFUSED = {"SQLTransformer": "it runs SQL of its own, which can call any Java method"}
"""Why a class that people try is refused."""


def short_name(class_name: str) -> str:
    """Return a class name without its package.

    >>> short_name(XGBOOST)
    'SparkXGBClassifierModel'
    """
    return class_name.rpartition(".")[2]
