//go:build linux

package node

import (
	"fmt"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

// files returns the configuration of the node's programs.
func (n *Node) files() map[string]string {
	replace := strings.NewReplacer(
		"@NAME@", n.Name, "@DIR@", n.dir, "@CGROUP@", n.cgroup, "@ADDRESS@", n.Address, "@CA_FILE@", n.options.CAFile,
		"@SOCKET@", n.socket(), "@STATE@", n.runtimeState(), "@PAUSE@", PauseImage, "@PLUGINS@", sandbox.PluginDir(),
		"@BRIDGE@", fmt.Sprintf("pods%d", n.options.Number), "@SUBNET@", fmt.Sprintf("10.240.%d.0/24", n.options.Number),
	)
	return map[string]string{
		"containerd.toml": replace.Replace(containerdConfig),
		"kubelet.yaml":    replace.Replace(kubeletConfig),
		// containerd reads what ends in .conflist.
		"cni/10-pods.conflist": replace.Replace(networkConfig),
	}
}

// containerdConfig: oom_score_adj is not lowered, because root may not do that everywhere, such as in containers and small virtual
// machines.
const containerdConfig = `version = 2
root = "@DIR@/containerd"
state = "@STATE@"
[grpc]
  address = "@SOCKET@"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "@PAUSE@"
  disable_apparmor = true
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "@PLUGINS@"
  conf_dir = "@DIR@/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
`

const networkConfig = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "@BRIDGE@", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "@DIR@/cni-state", "ranges": [[{"subnet": "@SUBNET@"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

// kubeletConfig: the kubelet says often that it lives, so that tests need not wait long to see that it does not, and it neither evicts
// pods nor removes images because the machine that runs the tests has little room left.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: @CA_FILE@}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: @CGROUP@
failSwapOn: false
failCgroupV1: false
containerRuntimeEndpoint: unix://@SOCKET@
address: @ADDRESS@
port: 10250
healthzPort: 0
readOnlyPort: 0
enforceNodeAllocatable: [pods]
evictionHard: {imagefs.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", memory.available: "0%"}
imageGCHighThresholdPercent: 100
podLogsDir: @DIR@/logs
volumePluginDir: @DIR@/volume-plugins
resolvConf: ""
staticPodPath: @DIR@/static
fileCheckFrequency: 1s
registerNode: true
makeIPTablesUtilChains: false
nodeStatusUpdateFrequency: 2s
nodeLeaseDurationSeconds: 8
`
