//! Models without typed tasks yet: their graphs, run as they are.

use accel_core::SessionOptions;

use super::Pipeline;
use crate::engine::{Placement, Session};
use crate::{Error, ModelDir, ModelSource, Result, SkillSpec, Tensor};

/// Every graph of a model's folder.
#[derive(Debug)]
pub struct GraphModel {
    graphs: Vec<(String, Box<dyn Session>)>,
    placement: Placement,
}

impl Pipeline for GraphModel {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let engine = source.engine(spec.platform, options)?;
        let dir = ModelDir::open(source.path())?;
        let mut names = dir.graph_names(options.precision)?;
        if names.is_empty() {
            // Asking for the usual name gives the error that tells what there is instead.
            names.push("model".to_owned());
        }
        let mut graphs = Vec::with_capacity(names.len());
        for name in names {
            let files = dir.graph(&name, options.precision)?;
            let session = engine.load(&files, spec.platform, options)?;
            graphs.push((name, session));
        }
        let placements = graphs.iter().map(|(_, session)| session.placement());
        let placement = Placement::merged(placements).ok_or_else(|| Error::MissingFile {
            path: dir.path().to_owned(),
            what: "a graph".to_owned(),
            remedy: "export the model to ONNX in the Hub's layout".to_owned(),
        })?;
        Ok(Self { graphs, placement })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        self.graphs.iter().map(|(_, session)| &**session).collect()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }
}

impl GraphModel {
    /// Names of the graphs, sorted.
    pub fn graphs(&self) -> impl Iterator<Item = &str> {
        self.graphs.iter().map(|(name, _)| name.as_str())
    }

    /// The graph `name`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the graphs that there are.
    pub fn graph(&self, name: &str) -> Result<&dyn Session> {
        let found = self.graphs.iter().find(|(it, _)| it == name);
        found.map(|(_, session)| &**session).ok_or_else(|| Error::InvalidArgument {
            argument: "graph",
            given: name.to_owned(),
            expected: self.graphs().collect::<Vec<_>>().join(", "),
        })
    }

    /// Runs the graph `graph` and gives one tensor for every name of `outputs`, in their order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a graph that is not there; [`Error::InvalidInput`],
    /// [`Error::UnknownOutput`], [`Error::NonFinite`]; what the engine reports.
    pub fn run(
        &self,
        graph: &str,
        inputs: Vec<(&str, Tensor)>,
        outputs: &[&str],
    ) -> Result<Vec<Tensor>> {
        let results = self.graph(graph)?.run(inputs, outputs)?;
        outputs.iter().zip(results).map(|(name, tensor)| tensor.finite(name)).collect()
    }
}
