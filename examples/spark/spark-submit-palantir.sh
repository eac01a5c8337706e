#!/bin/sh
# The same job as in spark-submit.sh, declared with the annotations of Palantir's k8s-spark-scheduler. Who has them already
# changes only the scheduler's name.
spark-submit \
  --master k8s://https://kubernetes.default.svc \
  --deploy-mode cluster \
  --name spark-pi \
  --class org.apache.spark.examples.SparkPi \
  --conf 'spark.kubernetes.container.image=apache/spark:4.0.1' \
  --conf 'spark.kubernetes.authenticate.driver.serviceAccountName=spark' \
  --conf 'spark.driver.cores=1' \
  --conf 'spark.driver.memory=1g' \
  --conf 'spark.executor.instances=10' \
  --conf 'spark.executor.cores=1' \
  --conf 'spark.executor.memory=1g' \
  --conf 'spark.kubernetes.scheduler.name=kubenexus-scheduler' \
  --conf 'spark.kubernetes.driver.annotation.spark-driver-cpu=1' \
  --conf 'spark.kubernetes.driver.annotation.spark-driver-mem=1408Mi' \
  --conf 'spark.kubernetes.driver.annotation.spark-executor-cpu=1' \
  --conf 'spark.kubernetes.driver.annotation.spark-executor-mem=1408Mi' \
  --conf 'spark.kubernetes.driver.annotation.spark-executor-count=10' \
  local:///opt/spark/examples/jars/spark-examples.jar 100000
