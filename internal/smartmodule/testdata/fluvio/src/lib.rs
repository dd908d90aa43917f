//! SmartModules of each kind, as their authors write them.

#[cfg(feature = "filter")]
mod filter {
    use fluvio_smartmodule::dataplane::smartmodule::{SmartModuleExtraParams, SmartModuleInitError};
    use fluvio_smartmodule::eyre;
    use fluvio_smartmodule::{smartmodule, Result, SmartModuleRecord};
    use std::sync::{Mutex, OnceLock};

    static WORD: OnceLock<String> = OnceLock::new();
    static LAST: Mutex<Option<Vec<u8>>> = Mutex::new(None);

    #[smartmodule(init)]
    fn init(params: SmartModuleExtraParams) -> Result<()> {
        match params.get("word") {
            Some(word) => WORD.set(word.clone()).map_err(|_| eyre!("init ran twice")),
            None => Err(SmartModuleInitError::MissingParam("word".to_string()).into()),
        }
    }

    /// Only what is new passes: the record before, of this run or of one before, is not let through again.
    #[smartmodule(look_back)]
    fn look_back(record: &SmartModuleRecord) -> Result<()> {
        *LAST.lock().unwrap() = Some(record.value.as_ref().to_vec());
        Ok(())
    }

    #[smartmodule(filter)]
    fn filter(record: &SmartModuleRecord) -> Result<bool> {
        let text = std::str::from_utf8(record.value.as_ref())?;
        let mut last = LAST.lock().unwrap();
        if last.as_deref() == Some(text.as_bytes()) {
            return Ok(false);
        }
        *last = Some(text.as_bytes().to_vec());
        Ok(text.contains(WORD.get().unwrap().as_str()))
    }
}

#[cfg(feature = "map")]
mod map {
    use fluvio_smartmodule::{smartmodule, RecordData, Result, SmartModuleRecord};

    #[smartmodule(map)]
    fn map(record: &SmartModuleRecord) -> Result<(Option<RecordData>, RecordData)> {
        let number: i64 = std::str::from_utf8(record.value.as_ref())?.trim().parse()?;
        Ok((record.key.clone(), RecordData::from((2 * number).to_string())))
    }
}

#[cfg(feature = "filter_map")]
mod filter_map {
    use fluvio_smartmodule::{smartmodule, RecordData, Result, SmartModuleRecord};

    #[smartmodule(filter_map)]
    fn filter_map(record: &SmartModuleRecord) -> Result<Option<(Option<RecordData>, RecordData)>> {
        let number: i64 = std::str::from_utf8(record.value.as_ref())?.parse()?;
        if number % 2 != 0 {
            return Ok(None);
        }
        Ok(Some((record.key.clone(), RecordData::from((number / 2).to_string()))))
    }
}

#[cfg(feature = "array_map")]
mod array_map {
    use fluvio_smartmodule::{smartmodule, RecordData, Result, SmartModuleRecord};

    #[smartmodule(array_map)]
    fn array_map(record: &SmartModuleRecord) -> Result<Vec<(Option<RecordData>, RecordData)>> {
        let text = std::str::from_utf8(record.value.as_ref())?;
        Ok(text.split(',').map(|part| (None, RecordData::from(part.to_string()))).collect())
    }
}

#[cfg(feature = "aggregate")]
mod aggregate {
    use fluvio_smartmodule::{smartmodule, RecordData, Result, SmartModuleRecord};

    #[smartmodule(aggregate)]
    fn aggregate(accumulator: RecordData, current: &SmartModuleRecord) -> Result<RecordData> {
        let sum = |data: &[u8]| -> Result<i64> { Ok(if data.is_empty() { 0 } else { std::str::from_utf8(data)?.parse()? }) };
        Ok((sum(accumulator.as_ref())? + sum(current.value.as_ref())?).to_string().into())
    }
}
