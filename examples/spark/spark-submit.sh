#!/bin/sh
# SparkPi with 1 driver and 10 executors. The driver starts only when all 11 fit, and the capacity is reserved until
# the executors come. Two settings do it: the scheduler's name, and the roles on the driver.
#
# What the roles ask for has to be what Spark will ask for: spark.executor.cores, and spark.executor.memory plus its overhead
# (a tenth of it, at least 384Mi): 1024Mi + 384Mi.
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
  --conf 'spark.kubernetes.driver.annotation.kubenexus.io/roles=[{"name":"driver","min":1,"creates":true},{"name":"executor","min":10,"requests":{"cpu":"1","memory":"1408Mi"}}]' \
  local:///opt/spark/examples/jars/spark-examples.jar 100000
